//! Windows.
#![expect(unsafe_code, reason = "the system's functions have no safe wrapper")]

use std::os::windows::ffi::OsStrExt;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;
use windows_sys::Win32::System::Power::{GetSystemPowerStatus, SYSTEM_POWER_STATUS};
use windows_sys::Win32::System::SystemInformation::{
    GetTickCount, GetTickCount64, GlobalMemoryStatusEx, MEMORYSTATUSEX,
};
use windows_sys::Win32::UI::Input::KeyboardAndMouse::{GetLastInputInfo, LASTINPUTINFO};

use crate::{Battery, Memory, Milliseconds, Power, Seen};

/// Where all is read.
pub(crate) const SOURCE: &str = "Windows";

/// Returns the time since the machine started, sleep included.
#[must_use]
pub fn now() -> Milliseconds {
    // SAFETY: takes nothing and returns a number.
    Milliseconds(unsafe { GetTickCount64() })
}

/// Returns how long nobody has touched this session.
pub(crate) fn idle_ms() -> Result<u64, String> {
    let mut info = LASTINPUTINFO { cbSize: size::<LASTINPUTINFO>(), dwTime: 0 };
    // SAFETY: the structure has its size in it, and lives until the call returns.
    if unsafe { GetLastInputInfo(&raw mut info) } == 0 {
        return Err("GetLastInputInfo: this process has no session with a desktop".into());
    }
    // SAFETY: takes nothing and returns a number. Both numbers begin anew every 49 days.
    Ok(u64::from(unsafe { GetTickCount() }.wrapping_sub(info.dwTime)))
}

/// Reads how much memory there is, and how much programs could take.
pub(crate) fn memory() -> Seen<Memory> {
    // SAFETY: plain numbers, for which zero is valid.
    let mut status: MEMORYSTATUSEX = unsafe { std::mem::zeroed() };
    status.dwLength = size::<MEMORYSTATUSEX>();
    // SAFETY: the structure has its size in it, and lives until the call returns.
    if unsafe { GlobalMemoryStatusEx(&raw mut status) } == 0 {
        return Seen::Unknown("GlobalMemoryStatusEx is refused".into());
    }
    Seen::Known(Memory { available_bytes: status.ullAvailPhys, total_bytes: status.ullTotalPhys })
}

/// Reads mains and battery. What the battery gives is not told.
pub(crate) fn power() -> Seen<Power> {
    // SAFETY: plain numbers, for which zero is valid.
    let mut status: SYSTEM_POWER_STATUS = unsafe { std::mem::zeroed() };
    // SAFETY: the structure lives until the call returns.
    if unsafe { GetSystemPowerStatus(&raw mut status) } == 0 {
        return Seen::Unknown("GetSystemPowerStatus is refused".into());
    }
    // 128: no battery. 255: unknown.
    let has_battery = status.BatteryFlag & 128 == 0;
    match status.ACLineStatus {
        line @ (0 | 1) if status.BatteryFlag != 255 => Seen::Known(Power {
            is_on_mains: line == 1 || !has_battery,
            battery: has_battery.then_some(Battery {
                percent: status.BatteryLifePercent.min(100),
                discharge_milliwatts: 0,
            }),
        }),
        _ => Seen::Unknown("GetSystemPowerStatus does not know".into()),
    }
}

/// Reads how many bytes can be written where `folder` is.
pub(crate) fn disk(folder: &Path) -> Seen<u64> {
    let name: Vec<u16> = folder.as_os_str().encode_wide().chain([0]).collect();
    let mut free = 0_u64;
    // SAFETY: the name ends with a zero, the number lives until the call returns, and the others are not wanted.
    let told = unsafe {
        GetDiskFreeSpaceExW(
            name.as_ptr(),
            &raw mut free,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    if told == 0 {
        return Seen::Unknown(format!("{}: {}", folder.display(), std::io::Error::last_os_error()));
    }
    Seen::Known(free)
}

fn size<T>() -> u32 {
    u32::try_from(size_of::<T>()).expect("a structure is small")
}
