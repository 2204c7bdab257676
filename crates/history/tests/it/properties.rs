//! After every random step the index says what a scan of the blocks says.

use crate::{
    chain::{ACCOUNTS, DEVELOPMENT, Draft, TRANSFER, add, add_empty, catch_up, opened, reader},
    scan,
};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use history::{Index, Kept, Options};
use proptest::prelude::*;
use std::{fs, path::Path};
use store::{Mark, Store, StoreOptions};

#[derive(Clone, Debug)]
enum Input {
    Mine(Vec<Draft>),
    MineEmpty(u64),
    /// Remembers the head, in development.
    Mark,
    /// Goes back to one of the remembered, in development.
    Revert(prop::sample::Index),
    /// The index takes so many steps.
    Advance(u8),
    /// Both files are closed and opened again.
    Restart,
    /// The index goes on from what a killed process would have left.
    Kill,
}

fn account() -> impl Strategy<Value = Address> {
    prop::sample::select(ACCOUNTS.to_vec())
}

fn topic() -> impl Strategy<Value = B256> {
    prop_oneof![
        4 => account().prop_map(|account| account.into_word()),
        2 => Just(TRANSFER),
        1 => (4_u64..7).prop_map(|number| B256::from(U256::from(number))),
    ]
}

fn log() -> impl Strategy<Value = Log> {
    let word = any::<u64>().prop_map(|number| U256::from(number).to_be_bytes_vec());
    let data = prop_oneof![4 => word, 1 => prop::collection::vec(any::<u8>(), 0..40)];
    let any_log = (account(), prop::collection::vec(topic(), 0..=4), data.clone());
    let transfer = (account(), account(), account(), data).prop_map(|(token, from, to, data)| {
        (token, vec![TRANSFER, from.into_word(), to.into_word()], data)
    });
    prop_oneof![any_log, transfer]
        .prop_map(|(address, topics, data)| Log::new_unchecked(address, topics, Bytes::from(data)))
}

fn draft() -> impl Strategy<Value = Draft> {
    let to = prop_oneof![5 => account().prop_map(Some), 1 => Just(None)];
    let logs = prop::collection::vec(log(), 0..4);
    (account(), to, prop_oneof![Just(0), 1_u64..9], prop::bool::weighted(0.8), logs).prop_map(
        |(from, to, value, is_successful, logs)| Draft { from, to, value, is_successful, logs },
    )
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        6 => prop::collection::vec(draft(), 0..4).prop_map(Input::Mine),
        2 => (1_u64..50).prop_map(Input::MineEmpty),
        2 => Just(Input::Mark),
        2 => any::<prop::sample::Index>().prop_map(Input::Revert),
        4 => (1_u8..3).prop_map(Input::Advance),
        1 => Just(Input::Restart),
        1 => Just(Input::Kill),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    prop_oneof![Just(None), (1_u64..60).prop_map(Some)]
        .prop_map(|blocks_max| Options { kept: Kept::ALL, blocks_max })
}

struct World {
    directory: tempfile::TempDir,
    store_options: StoreOptions,
    options: Options,
    store: Option<Store>,
    index: Option<Index>,
    marks: Vec<Mark>,
    kills: u32,
    salt: u64,
}

impl World {
    fn new(store_options: StoreOptions, options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Some(opened(directory.path(), store_options));
        let index = Some(Index::open(directory.path(), options).unwrap());
        Self { directory, store_options, options, store, index, marks: vec![], kills: 0, salt: 0 }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn index(&self) -> &Index {
        self.index.as_ref().unwrap()
    }

    fn apply(&mut self, input: &Input) {
        self.salt += 1;
        let is_development = self.store_options.is_development;
        match input {
            Input::Mine(drafts) => add(self.store(), self.salt, drafts),
            Input::MineEmpty(count) => add_empty(self.store(), *count),
            Input::Mark if is_development => {
                let mark = self.store().mark().unwrap();
                self.marks.push(mark);
            }
            Input::Revert(choice) if !self.marks.is_empty() => {
                let at = choice.index(self.marks.len());
                self.store().rewind(self.marks[at]).unwrap();
                self.marks.truncate(at);
            }
            Input::Mark | Input::Revert(_) => {}
            Input::Advance(steps) => {
                for _ in 0..*steps {
                    self.index().advance(&self.store().reader().unwrap()).unwrap();
                }
            }
            Input::Restart => {
                (self.store, self.index) = (None, None);
                self.marks.clear();
                self.store = Some(opened(self.directory.path(), self.store_options));
                let path = self.index_path();
                self.index = Some(Index::open(&path, self.options).unwrap());
            }
            Input::Kill => {
                // The file as it is while the index is at work: what only memory holds is lost.
                let before = self.index_path();
                self.kills += 1;
                let after = self.index_path();
                fs::create_dir(&after).unwrap();
                fs::copy(before.join("history.redb"), after.join("history.redb")).unwrap();
                self.index = Some(Index::open(&after, self.options).unwrap());
            }
        }
    }

    fn index_path(&self) -> std::path::PathBuf {
        let directory: &Path = self.directory.path();
        match self.kills {
            0 => directory.to_owned(),
            kills => directory.join(format!("killed-{kills}")),
        }
    }

    /// What can be asked at any moment is right for what it says to cover.
    fn check(&self, limit: usize) {
        if let Some(snapshot) = self.index().snapshot().unwrap() {
            scan::check(&snapshot.view(reader(self.store())).unwrap(), limit);
        }
    }

    /// Once it has caught up, it covers all that it is to hold, from its own file.
    fn check_whole(&self, limit: usize) {
        let progress = catch_up(self.index(), self.store());
        let reader = reader(self.store());
        let head = reader.head().number;
        let bound = (head + 1).saturating_sub(self.options.blocks_max.unwrap_or(u64::MAX));
        assert_eq!(progress.first, bound.max(reader.first_block()).max(1));
        let view = self.index().snapshot().unwrap().unwrap().view(reader).unwrap();
        assert_eq!((view.coverage().first, view.coverage().last), (progress.first, head));
        scan::check(&view, limit);
    }
}

fn check(store_options: StoreOptions, options: Options, limit: usize, inputs: &[Input]) {
    let mut world = World::new(store_options, options);
    for input in inputs {
        world.apply(input);
        world.check(limit);
    }
    world.check_whole(limit);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_development_ledger_is_followed_wherever_it_goes(
        options in options(),
        limit in 1_usize..7,
        inputs in prop::collection::vec(input(), 1..24),
    ) {
        check(DEVELOPMENT, options, limit, &inputs);
    }

    #[test]
    fn a_pruned_ledger_is_followed(
        options in options(),
        kept in 1_u64..40,
        limit in 1_usize..7,
        inputs in prop::collection::vec(input(), 1..16),
    ) {
        let store = StoreOptions { past_states_max: 1, blocks_max: Some(kept), is_development: false };
        check(store, options, limit, &inputs);
    }
}
