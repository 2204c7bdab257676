//! What sensors say of trees of files.

use sensors::{
    Battery, Call, Heat, Memory, Metered, Milliseconds, Network, Power, Quality, Seen, Sense,
    Sensors,
};

use crate::tree::{OURS, START, Tree};

/// One second, ten and twenty after the start: what is kept for a while is read again.
const LATER: Milliseconds = Milliseconds(START.0 + 1_000);
const MUCH_LATER: Milliseconds = Milliseconds(START.0 + 11_000);
const AT_LAST: Milliseconds = Milliseconds(START.0 + 21_000);

#[track_caller]
fn known<T: std::fmt::Debug>(seen: Seen<T>) -> T {
    match seen {
        Seen::Known(value) => value,
        Seen::Unknown(reason) => panic!("unknown: {reason}"),
    }
}

#[track_caller]
fn unknown<T: std::fmt::Debug>(seen: Seen<T>, part: &str) {
    match seen {
        Seen::Known(value) => panic!("known: {value:?}"),
        Seen::Unknown(reason) => assert!(reason.contains(part), "{reason}"),
    }
}

#[test]
fn an_empty_root_is_unknown_everywhere_it_matters() {
    let tree = Tree::new();
    tree.remove("proc");
    let readings = tree.read();
    unknown(readings.input.seen, "proc/net/unix");
    unknown(readings.full_screen.seen, "proc/net/unix");
    unknown(readings.load.seen, "proc/stat");
    unknown(readings.memory.seen, "proc/meminfo");
    unknown(readings.network.seen, "proc/net/route");
    unknown(readings.heat.seen, "no temperature sensor");
}

#[test]
fn a_machine_without_display_and_battery_is_known() {
    let readings = Tree::new().read();
    assert_eq!(known(readings.input.seen).last, None);
    assert_eq!(known(readings.full_screen.seen), None);
    assert_eq!(known(readings.power.seen), Power { is_on_mains: true, battery: None });
    assert_eq!(known(readings.call.seen), Call { device: None });
    assert_eq!(known(readings.gpu.seen), Vec::<String>::new());
    let memory = Memory { available_bytes: 600 << 10, total_bytes: 1000 << 10 };
    assert_eq!(known(readings.memory.seen), memory);
    assert!(0 < known(readings.disk.seen));
    known(readings.time.seen);
}

#[test]
fn a_display_that_nobody_listens_to_is_unknown() {
    let tree = Tree::new();
    tree.write(
        "proc/net/unix",
        "Num\n0: 00000002 00000000 00010000 0001 01 1 @/tmp/.X11-unix/X77\n",
    );
    let readings = tree.read();
    unknown(readings.input.seen, "display :77");
    unknown(readings.full_screen.seen, "display :77");
}

#[test]
fn our_work_is_not_the_load_of_others() {
    let tree = Tree::new();
    tree.process(200, "worker", 5_000);
    tree.write(&format!("proc/{OURS}/task/{OURS}/children"), "200 ");
    let mut sensors = tree.sensors();
    sensors.read(START);
    // Ten seconds of one core, nine of them ours, within one second.
    tree.write("proc/stat", "cpu  100 0 1000 1000 0 0 0 0 0 0\n");
    tree.process(200, "worker", 5_900);
    assert_eq!(known(sensors.read(LATER).load.seen).cores_permille, 1_000);
    tree.write("proc/stat", "cpu  100 200 1100 2000 5 300 400 0 0 0\n");
    assert_eq!(known(sensors.read(MUCH_LATER).load.seen).cores_permille, 1_000);
    tree.remove("proc/200");
    assert_eq!(known(sensors.read(AT_LAST).load.seen).cores_permille, 0);
}

#[test]
fn waiting_of_our_worker_is_not_that_of_others() {
    let tree = Tree::new();
    let pressure = |avg10: &str| format!("some avg10={avg10} avg60=0.00 avg300=0.00 total=0\n");
    tree.write("proc/pressure/cpu", &pressure("30.00"));
    tree.write("worker/cpu.pressure", &pressure("29.50"));
    let mut sensors = tree.sensors();
    assert_eq!(known(sensors.read(LATER).load.seen).cpu_wait_bps, 3000);
    sensors.set_worker_cgroup(Some(&tree.options().root.join("worker")));
    assert_eq!(known(sensors.read(LATER).load.seen).cpu_wait_bps, 50);
    tree.remove("proc/pressure/io");
    unknown(sensors.read(LATER).load.seen, "proc/pressure/io");
}

#[test]
fn exclusive_programs_are_found_by_three_names() {
    let tree = Tree::new();
    tree.process(300, "steam", 0);
    tree.process(301, "a-name-that-is-", 0);
    tree.process(302, "wine64-preloade", 0);
    tree.write("proc/302/cmdline", "C:\\games\\game.exe\0-windowed\0");
    tree.process(303, "python3", 0);
    tree.link("proc/303/exe", "/opt/blender (deleted)");
    tree.process(304, "other", 0);
    let mut options = tree.options();
    let names = ["steam", "a-name-that-is-long", "game.exe", "blender", "absent"];
    options.exclusive = names.map(str::to_owned).to_vec();
    let mut sensors = Sensors::new(options);
    let found = known(sensors.read(START).exclusive.seen);
    assert_eq!(found, ["a-name-that-is-long", "blender", "game.exe", "steam"]);
    // One ends, one becomes another program, and one begins.
    tree.remove("proc/300");
    tree.process(301, "shell", 0);
    tree.process(305, "absent", 0);
    let found = known(sensors.read(MUCH_LATER).exclusive.seen);
    assert_eq!(found, ["absent", "blender", "game.exe"]);
}

fn supply(tree: &Tree, name: &str, values: &[(&str, &str)]) {
    for (key, value) in values {
        tree.write(&format!("sys/class/power_supply/{name}/{key}"), value);
    }
}

#[test]
fn an_unplugged_adapter_is_seen_and_a_mouse_is_not_a_battery() {
    let tree = Tree::new();
    supply(&tree, "AC", &[("type", "Mains\n"), ("online", "1\n")]);
    let battery =
        [("type", "Battery"), ("capacity", "80"), ("status", "Charging"), ("power_now", "5000000")];
    supply(&tree, "BAT0", &battery);
    supply(&tree, "mouse", &[("type", "Battery"), ("scope", "Device"), ("capacity", "5")]);
    let mut sensors = tree.sensors();
    let full = Battery { percent: 80, discharge_milliwatts: 0 };
    assert_eq!(
        known(sensors.read(LATER).power.seen),
        Power { is_on_mains: true, battery: Some(full) }
    );
    supply(&tree, "AC", &[("online", "0")]);
    supply(&tree, "BAT0", &[("status", "Discharging"), ("power_now", "12345678")]);
    let drained = Battery { percent: 80, discharge_milliwatts: 12_345 };
    assert_eq!(
        known(sensors.read(LATER).power.seen),
        Power { is_on_mains: false, battery: Some(drained) }
    );
    tree.remove("sys/class/power_supply/BAT0/capacity");
    unknown(sensors.read(LATER).power.seen, "BAT0");
}

#[test]
fn power_of_a_battery_that_tells_current_and_voltage_is_their_product() {
    let tree = Tree::new();
    supply(&tree, "BAT1", &[("type", "Battery"), ("capacity", "50"), ("status", "Discharging")]);
    supply(&tree, "BAT1", &[("current_now", "-2000000"), ("voltage_now", "12000000")]);
    let power = known(tree.read().power.seen);
    assert!(!power.is_on_mains);
    assert_eq!(power.battery.unwrap().discharge_milliwatts, 24_000);
}

#[test]
fn the_warmest_sensor_counts() {
    let tree = Tree::new();
    tree.write("sys/class/thermal/thermal_zone0/type", "acpitz\n");
    tree.write("sys/class/thermal/thermal_zone0/temp", "45000\n");
    tree.write("sys/class/hwmon/hwmon1/name", "coretemp\n");
    tree.write("sys/class/hwmon/hwmon1/temp1_input", "71500\n");
    tree.write("sys/class/hwmon/hwmon1/temp1_label", "Package id 0\n");
    tree.write("sys/class/hwmon/hwmon1/temp2_input", "-274000\n");
    tree.write("sys/class/hwmon/hwmon1/temp3_input", "16777215\n");
    for (processor, package, core) in [(0, 3, 1), (1, 3, 2)] {
        let folder = format!("sys/devices/system/cpu/cpu{processor}");
        tree.write(
            &format!("{folder}/thermal_throttle/package_throttle_count"),
            &package.to_string(),
        );
        tree.write(&format!("{folder}/thermal_throttle/core_throttle_count"), &core.to_string());
        tree.write(&format!("{folder}/topology/physical_package_id"), "0");
    }
    let expected = Heat {
        highest_millicelsius: 71_500,
        sensor: "coretemp Package id 0".into(),
        throttle_count: 3,
    };
    assert_eq!(known(tree.read().heat.seen), expected);
}

fn route(tree: &Tree, interface: &str) {
    tree.write(
        "proc/net/route",
        &format!(
            "Iface Destination Gateway Flags RefCnt Use Metric Mask\n{interface} 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0\n"
        ),
    );
}

#[test]
fn mobile_networks_and_telephones_are_metered() {
    let tree = Tree::new();
    let check = |expected| assert_eq!(known(tree.read().network.seen), expected);
    check(Network { is_online: false, is_metered: false });
    route(&tree, "eth0");
    check(Network { is_online: true, is_metered: false });
    tree.link("sys/class/net/eth0/device/driver", "../../../bus/usb/drivers/rndis_host");
    check(Network { is_online: true, is_metered: true });
    route(&tree, "wwan0");
    check(Network { is_online: true, is_metered: true });
    tree.write("proc/net/route", "Iface\n");
    let unspecified = "0".repeat(32);
    tree.write(
        "proc/net/ipv6_route",
        &format!("{unspecified} 00 {unspecified} 00 {unspecified} ffffffff 1 0 00200200 lo\n{unspecified} 00 {unspecified} 00 fe80 00000400 1 0 00000003 eth1\n"),
    );
    check(Network { is_online: true, is_metered: false });
}

#[test]
fn a_network_manager_that_cannot_be_asked_is_unknown_unless_the_owner_says() {
    let tree = Tree::new();
    route(&tree, "eth0");
    tree.write("run/NetworkManager/state", "");
    unknown(tree.read().network.seen, "org.freedesktop.NetworkManager Metered");
    let mut options = tree.options();
    options.metered = Metered::Yes;
    let network = known(Sensors::new(options).read(START).network.seen);
    assert_eq!(network, Network { is_online: true, is_metered: true });
}

#[test]
fn a_microphone_or_camera_in_use_is_a_call() {
    let tree = Tree::new();
    tree.write("proc/asound/card0/pcm0p/sub0/status", "state: RUNNING\n");
    tree.write("proc/asound/card0/pcm0c/sub0/status", "closed\n");
    assert_eq!(known(tree.read().call.seen).device, None);
    tree.write("proc/asound/card0/pcm0c/sub0/status", "state: RUNNING\nowner_pid: 5\n");
    assert_eq!(known(tree.read().call.seen).device.as_deref(), Some("card0 pcm0c"));
    tree.remove("proc/asound");
    tree.link("sys/class/video4linux/video0/device/driver/module", "/sys/module/uvcvideo");
    tree.write("sys/module/uvcvideo/refcnt", "0\n");
    tree.process(400, "call", 0);
    tree.link("proc/400/fd/7", "/dev/video0");
    assert_eq!(known(tree.read().call.seen).device, None);
    tree.write("sys/module/uvcvideo/refcnt", "1\n");
    assert_eq!(known(tree.read().call.seen).device.as_deref(), Some("video0"));
}

#[test]
fn work_on_a_graphics_processor_is_seen_unless_it_is_ours() {
    let tree = Tree::new();
    tree.write("sys/class/drm/renderD128/dev", "");
    let work = |process: u32, nanoseconds: u64| {
        tree.write(
            &format!("proc/{process}/fdinfo/5"),
            &format!("pos: 0\ndrm-driver: amdgpu\ndrm-client-id: {process}\ndrm-engine-gfx: {nanoseconds} ns\ndrm-engine-capacity-gfx: 9999999999999 ns\n"),
        );
    };
    for (process, name) in [(OURS, "gleaner"), (500, "game"), (501, "desktop")] {
        tree.process(process, name, 0);
        tree.link(&format!("proc/{process}/fd/5"), "/dev/dri/renderD128");
        work(process, 1_000);
    }
    let mut sensors = tree.sensors();
    assert_eq!(known(sensors.read(START).gpu.seen), Vec::<String>::new());
    work(OURS, 10_000_000_000);
    work(500, 2_000_000_000);
    work(501, 1_000_000_000);
    assert_eq!(known(sensors.read(LATER).gpu.seen), Vec::<String>::new(), "kept for two seconds");
    assert_eq!(known(sensors.read(MUCH_LATER).gpu.seen), ["game"]);
}

#[test]
fn a_counter_of_energy_that_begins_anew_is_followed() {
    let tree = Tree::new();
    let counter =
        |value: u64| tree.write("sys/class/powercap/intel-rapl:0/energy_uj", &value.to_string());
    tree.write("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "1000");
    tree.write("sys/class/powercap/intel-rapl:0/name", "package-0\n");
    tree.write("sys/class/powercap/intel-rapl:0:0/energy_uj", "5");
    let mut sensors = tree.sensors();
    let mut sum = 0;
    for (value, used) in [(900, 0), (950, 50), (100, 150), (100, 0)] {
        counter(value);
        sum += used;
        let found = sensors.energy(START);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].microjoules, sum);
        assert_eq!(found[0].quality, Quality::Measured);
        assert_eq!(found[0].source, "/sys/class/powercap/intel-rapl:0 package-0");
    }
}

#[test]
fn packages_and_their_memory_are_counted_once_and_the_platform_only_without_them() {
    let tree = Tree::new();
    let zone = |name: &str, label: &str, value: u64| {
        tree.write(&format!("sys/class/powercap/{name}/name"), &format!("{label}\n"));
        tree.write(&format!("sys/class/powercap/{name}/energy_uj"), &format!("{value}\n"));
    };
    let sources = || -> Vec<String> {
        let found = tree.sensors().energy(START);
        found.into_iter().map(|meter| meter.source.replace("/sys/class/powercap/", "")).collect()
    };
    zone("intel-rapl:1", "psys", 1);
    zone("intel-rapl-mmio:0", "package-0", 1);
    assert_eq!(sources(), ["intel-rapl:1 psys"]);
    for (name, label) in [
        ("intel-rapl:0", "package-0"),
        ("intel-rapl:0:0", "core"),
        ("intel-rapl:0:1", "uncore"),
        ("intel-rapl:0:2", "dram"),
    ] {
        zone(name, label, 1);
    }
    assert_eq!(sources(), ["intel-rapl:0 package-0", "intel-rapl:0:2 dram"]);
}

#[test]
fn a_counter_that_begins_from_nothing_after_a_suspension_has_not_turned_over() {
    let tree = Tree::new();
    let counter =
        |value: u64| tree.write("sys/class/powercap/intel-rapl:0/energy_uj", &value.to_string());
    tree.write("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850");
    let mut sensors = tree.sensors();
    let mut read = |seconds: u64, value: u64| {
        counter(value);
        sensors.energy(Milliseconds(START.0 + seconds * 1_000))[0].microjoules
    };
    assert_eq!(read(0, 200_000_000_000), 0);
    assert_eq!(read(5, 200_500_000_000), 500_000_000);
    // 30 seconds later, 4 of them awake at 100 W: not 62 kJ, as if it had turned over.
    assert_eq!(read(35, 400_000_000), 900_000_000);
    // One that does turn over.
    assert_eq!(read(40, 900_000_000), 1_400_000_000);
    counter(262_143_328_000);
    sensors = tree.sensors();
    let mut read = |seconds: u64, value: u64| {
        counter(value);
        sensors.energy(Milliseconds(START.0 + seconds * 1_000))[0].microjoules
    };
    assert_eq!(read(0, 262_143_328_000), 0);
    assert_eq!(read(5, 499_999_150), 500_000_000);
}

#[test]
fn energy_of_a_battery_is_an_estimate() {
    let tree = Tree::new();
    supply(
        &tree,
        "BAT0",
        &[("type", "Battery"), ("status", "Discharging"), ("power_now", "10000000")],
    );
    let mut sensors = tree.sensors();
    assert_eq!(sensors.energy(START)[0].microjoules, 0);
    let found = sensors.energy(LATER);
    assert_eq!(found[0].quality, Quality::Estimated);
    assert_eq!(found[0].microjoules, 10_000_000, "10 W for one second");
    // The machine slept: the battery's power now says nothing of it.
    assert_eq!(sensors.energy(AT_LAST)[0].microjoules, 10_000_000);
}

#[test]
fn a_terminal_that_was_read_is_input_whatever_the_clock_says() {
    use std::time::{Duration, SystemTime};
    let tree = Tree::new();
    tree.write("dev/pts/3", "");
    let read_at = |unix_seconds: u64| {
        let file = std::fs::File::open(tree.options().root.join("dev/pts/3")).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds);
        file.set_times(std::fs::FileTimes::new().set_accessed(time)).unwrap();
    };
    let mut sensors = tree.sensors();
    let mut last = |now: Milliseconds| {
        let input = sensors.read(now).input;
        assert_eq!(input.source, "/dev/pts/3");
        known(input.seen).last
    };
    // Years before the machine started.
    read_at(1_000_000_000);
    assert_eq!(last(START), Some(Milliseconds(0)));
    // It was read in between, by a clock that is wrong.
    read_at(900_000_000);
    assert_eq!(last(LATER), Some(LATER));
    assert_eq!(last(MUCH_LATER), Some(LATER));
    // A time in the future is now, once.
    read_at(9_000_000_000);
    assert_eq!(last(MUCH_LATER), Some(MUCH_LATER));
    assert_eq!(last(AT_LAST), Some(MUCH_LATER));
}
