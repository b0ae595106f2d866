use super::*;

#[derive(Clone, Debug, Default)]
struct Hand(Arc<AtomicU64>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// A service in virtual time.
struct Service {
    adaptive: Adaptive,
    clock: Hand,
    dice: u64,
}

fn route(number: u64) -> Route {
    Route {
        full: number,
        early: number,
    }
}

impl Service {
    fn new(target: f64) -> Self {
        let clock = Hand::default();
        Self {
            adaptive: Adaptive::per_second(target)
                .after_deployment(1.0, Duration::ZERO)
                .clock(clock.clone()),
            clock,
            dice: 0,
        }
    }

    /// Serves so many requests of a route in one second, and says how many were kept and what they stand for.
    fn second(&mut self, number: u64, requests: u64, errors: u64, pressure: f64) -> (u32, f64) {
        let (mut kept, mut counted) = (0, 0.0);
        for request in 0..requests {
            self.clock.0.fetch_add(SECOND / requests, Ordering::Relaxed);
            let threshold = self.adaptive.threshold(route(number));
            self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
            if threshold.keeps(self.dice >> 8) {
                kept += 1;
                counted += threshold.adjusted_count();
            }
            let is_error = request < errors;
            self.adaptive.ended(route(number), is_error, pressure);
        }
        (kept, counted)
    }

    /// The same for so many seconds; gives how many were kept in the last.
    fn seconds(&mut self, seconds: u32, requests: u64, errors: u64, pressure: f64) -> u32 {
        let kept = (0..seconds).map(|_| self.second(1, requests, errors, pressure).0);
        kept.last().unwrap()
    }
}

#[test]
fn each_route_comes_to_its_target_and_the_weights_stand_for_all() {
    let mut service = Service::new(10.0);
    let mut counted = 0.0;
    let mut kept = 0;
    for second in 0..60 {
        let (kept_now, counted_now) = service.second(1, 1000, 0, 0.0);
        counted += counted_now;
        if second >= 20 {
            kept += kept_now;
        }
    }
    assert!((300..500).contains(&kept), "{kept} in 40 seconds");
    assert!((counted / 60_000.0 - 1.0).abs() < 0.1, "{counted}");
    // A route that comes rarely is kept whole.
    assert_eq!(service.second(2, 5, 0, 0.0).0, 5);
}

#[test]
fn many_errors_raise_it_and_it_falls_again_when_they_are_over() {
    let mut service = Service::new(10.0);
    let usual = service.seconds(20, 1000, 10, 0.0);
    let failing = service.seconds(20, 1000, 100, 0.0);
    let after = service.seconds(20, 1000, 0, 0.0);
    assert!((5..18).contains(&usual), "{usual}");
    assert!((25..60).contains(&failing), "{failing}");
    assert!((5..18).contains(&after), "{after}");
}

#[test]
fn a_spike_brings_it_down_at_once() {
    let mut service = Service::new(10.0);
    service.seconds(20, 1000, 0, 0.0);
    let (first, _) = service.second(1, 10_000, 0, 0.0);
    let (next, _) = service.second(1, 10_000, 0, 0.0);
    assert!(first < 60 && next < 25, "{first}, {next}");
}

#[test]
fn the_first_second_of_a_new_route_keeps_a_few_times_the_target_and_stands_for_all() {
    let (mut all, mut most) = (0.0, 0);
    for seed in 0..100 {
        let mut service = Service::new(2.0);
        service.dice = seed * 0x1234_5678_9abc;
        let (kept, counted) = service.second(1, 20_000, 0, 0.0);
        all += counted;
        most = most.max(kept);
    }
    assert!(most < 60, "{most}");
    assert!((all / 2_000_000.0 - 1.0).abs() < 0.1, "{all}");
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_it_from_adapting() {
    let mut service = Service::new(10.0);
    service.clock.0.store(1_000_000 * SECOND, Ordering::Relaxed);
    service.seconds(20, 1000, 0, 0.0);
    service.clock.0.fetch_sub(3600 * SECOND, Ordering::Relaxed);
    let kept = service.seconds(20, 10, 0, 0.0);
    // Ten a second are all of them.
    assert!(kept >= 8, "{kept}");
}

#[test]
fn a_full_pipeline_brings_it_down() {
    let mut service = Service::new(100.0);
    let empty = service.seconds(20, 1000, 0, 0.0);
    let full = service.seconds(20, 1000, 0, 1.0);
    assert!((70..130).contains(&empty), "{empty}");
    assert!((3..20).contains(&full), "{full}");
}

#[test]
fn after_a_deployment_more_is_kept_for_a_while() {
    let clock = Hand::default();
    let mut service = Service::new(10.0);
    service.adaptive = Adaptive::per_second(10.0)
        .after_deployment(5.0, Duration::from_secs(30))
        .clock(clock.clone());
    service.clock = clock;
    let early = service.seconds(20, 1000, 0, 0.0);
    let late = service.seconds(20, 1000, 0, 0.0);
    assert!((30..70).contains(&early), "{early}");
    assert!((3..18).contains(&late), "{late}");
}

#[test]
fn made_up_routes_share_one_probability_and_are_forgotten() {
    let service = Service::new(1.0);
    for number in 1..100_000 {
        service.adaptive.threshold(route(number * 7));
    }
    assert!(service.adaptive.find(7 * 99_999).is_none());
    let known = |service: &Service| {
        let routes = service.adaptive.routes.iter();
        routes
            .filter(|known| known.route.load(Ordering::Relaxed) != 0)
            .count()
    };
    assert_eq!(known(&service), ROUTES);
    for _ in 0..3 {
        service.clock.0.fetch_add(700 * SECOND, Ordering::Relaxed);
        service.adaptive.threshold(route(1));
    }
    assert!(known(&service) <= 1);
}

#[test]
fn how_routes_of_other_rules_end_says_nothing() {
    let adaptive = Adaptive::per_second(1.0);
    adaptive.ended(route(7), true, 0.5);
    assert_eq!(adaptive.others.ended.load(Ordering::Relaxed), 0);
}

#[test]
fn a_route_whose_router_came_later_is_known_by_its_method() {
    let adaptive = Adaptive::per_second(1.0);
    let early = Route { full: 5, early: 5 };
    adaptive.threshold(early);
    adaptive.ended(Route { full: 9, early: 5 }, true, 0.0);
    assert_eq!(adaptive.find(5).unwrap().failed.load(Ordering::Relaxed), 1);
}
