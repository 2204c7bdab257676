//! The canonical bytes: only what was encoded is accepted.

use proptest::prelude::*;
use training_run::Run;

use crate::support::{HONEST, Table, terms};

/// Returns a run with something in every list.
fn busy() -> Run {
    let mut table = Table::with_devices(terms(), 4);
    table.commit_honestly(1..=4);
    table.draw(0);
    table.audit(0, 1, 2);
    table.audit(0, 2, HONEST);
    table.advance();
    table.commit(3, HONEST).unwrap();
    table.run
}

/// Ledgers store runs in these bytes: what earlier versions wrote must be decoded, and encoded the same.
#[test]
fn the_bytes_of_a_run_stay_as_they_are() {
    let opened = Table::open(terms(), 5).run;
    let mut wound_up = Table::with_devices(terms(), 4);
    wound_up.commit_honestly(1..=4);
    wound_up.draw(0);
    wound_up.audit(0, 1, 2);
    wound_up.wind_up().unwrap();
    let runs = [("opened", opened), ("busy", busy()), ("wound up", wound_up.run)];
    let text = runs.map(|(name, run)| {
        let bytes = run.encode();
        assert_eq!(Run::decode(&bytes), Ok(run), "{name}");
        format!("{name}\n{}", golden::hex(&bytes))
    });
    golden::check!("runs.txt", &text.concat());
}

#[test]
fn cut_or_continued_bytes_are_refused() {
    let bytes = busy().encode();
    for length in 0..bytes.len() {
        assert!(Run::decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    for trailing in [0, 1, 255] {
        let longer = [&bytes[..], &[trailing]].concat();
        assert_eq!(Run::decode(&longer).unwrap_err().reason, "trailing bytes");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let versioned = [&[1], &bytes[..]].concat();
        for bytes in [bytes, versioned] {
            if let Ok(run) = Run::decode(&bytes) {
                prop_assert_eq!(run.encode(), bytes);
            }
        }
    }

    /// Checks that bytes with one change are refused, or decode to a run that encodes to the same bytes.
    #[test]
    fn changed_bytes_are_another_run_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = busy().encode();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(run) = Run::decode(&bytes) {
            prop_assert_eq!(run.encode(), bytes);
            let _says_something = run.invariants();
        }
    }
}
