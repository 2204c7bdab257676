//! What counts as released.

use issuance::Released;
use proptest::prelude::*;
use units::Wei;

#[derive(Clone, Copy, Debug)]
enum Step {
    Verify(u128, bool),
    Pay(u128, bool),
    Forfeit,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u128..1_000, prop::bool::weighted(0.7)).prop_map(|(pay, is_work)| Step::Verify(pay, is_work)),
        4 => (0_u128..1_000, any::<bool>()).prop_map(|(pay, is_owner)| Step::Pay(pay, is_owner)),
        1 => Just(Step::Forfeit),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    fn work_is_released_by_payments_only_and_what_was_forfeited_never(steps in steps()) {
        let mut released = Released::default();
        let (mut work, mut paid, mut forfeited) = (0, 0, 0);
        for step in steps {
            let before = released;
            match step {
                Step::Verify(pay, is_work) => {
                    released.verify(Wei::new(pay), is_work);
                    work += if is_work { pay } else { 0 };
                }
                Step::Pay(pay, is_owner) => {
                    released.pay(Wei::new(pay), is_owner);
                    paid += if is_owner { 0 } else { pay };
                    if is_owner {
                        forfeited += before.held_work.as_u128() - released.held_work.as_u128();
                    }
                }
                Step::Forfeit => {
                    forfeited += released.held_work.as_u128();
                    released.forfeit();
                    prop_assert_eq!(released.work, before.work);
                }
            }
            prop_assert!(released.work.as_u128() <= paid, "paid");
            prop_assert_eq!(released.work.as_u128() + released.held_work.as_u128() + forfeited, work);
        }
    }
}

#[test]
fn verdicts_explain_a_payment_before_work_does() {
    let mut released = Released::default();
    released.verify(Wei::new(100), true);
    released.verify(Wei::new(25), false);
    released.pay(Wei::new(30), false);
    assert_eq!((released.work, released.held_work), (Wei::new(5), Wei::new(95)));
    let mut own = released;
    own.pay(Wei::new(95), true);
    assert_eq!(
        (own.work, own.held_work),
        (Wei::new(5), Wei::ZERO),
        "the owner's own pay is no work"
    );
}
