//! A tree of files that looks like `/` to sensors.

use std::fs;
use std::os::unix::fs::symlink;

use sensors::{Metered, Milliseconds, Options, Readings, Sense, Sensors};

/// The process that is ours in every tree.
pub(crate) const OURS: u32 = 100;

/// When the first reading is.
pub(crate) const START: Milliseconds = Milliseconds(1_000_000);

/// A tree with a machine of one core, no display, no battery.
pub(crate) struct Tree(tempfile::TempDir);

impl Tree {
    pub(crate) fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.write("proc/net/unix", "Num RefCount Protocol Flags Type St Inode Path\n");
        tree.write("proc/net/route", "Iface Destination Gateway Flags RefCnt Use Metric Mask\n");
        tree.write("proc/stat", "cpu  100 0 0 1000 0 0 0 0 0 0\n");
        tree.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 600 kB\n");
        for resource in ["cpu", "memory", "io"] {
            tree.write(
                &format!("proc/pressure/{resource}"),
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
            );
        }
        tree.process(OURS, "gleaner", 0);
        tree
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.0.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn remove(&self, file: &str) {
        let path = self.0.path().join(file);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
    }

    pub(crate) fn link(&self, file: &str, target: &str) {
        let path = self.0.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// Adds a process that used so many ticks.
    pub(crate) fn process(&self, process: u32, name: &str, ticks: u64) {
        self.write(&format!("proc/{process}/comm"), &format!("{name}\n"));
        self.write(
            &format!("proc/{process}/stat"),
            &format!("{process} ({name}) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 0\n"),
        );
        self.write(&format!("proc/{process}/task/{process}/children"), "");
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            root: self.0.path().to_path_buf(),
            own_process: OURS,
            disk: self.0.path().to_path_buf(),
            exclusive: Vec::new(),
            metered: Metered::Detect,
        }
    }

    pub(crate) fn sensors(&self) -> Sensors {
        Sensors::new(self.options())
    }

    pub(crate) fn read(&self) -> Readings {
        self.sensors().read(START)
    }
}
