//! NVIDIA's management library, loaded while the program runs.

use nvml_wrapper::Nvml as Library;
use nvml_wrapper::error::NvmlError;

use crate::{Energy, Quality};

/// Names of the library: the file that drivers install, then the one of development packages.
const FILES: [&str; 2] = ["libnvidia-ml.so.1", "libnvidia-ml.so"];

/// The most graphics processors that are asked.
const DEVICES_MAX: u32 = 64;

/// The library, or why it is not there.
#[derive(Debug)]
pub(crate) struct Nvml(Result<Library, String>);

impl Nvml {
    /// Loads the library.
    pub(crate) fn load() -> Self {
        let mut reasons = Vec::new();
        for file in FILES {
            match Library::builder().lib_path(file.as_ref()).init() {
                Ok(library) => return Self(Ok(library)),
                Err(error) => reasons.push(format!("{file}: {error}")),
            }
        }
        Self(Err(reasons.join("; ")))
    }

    /// Returns processes that kept a device busier than `percent` of the last second.
    ///
    /// # Errors
    /// Why that is not known.
    pub(crate) fn users(&self, percent: u64) -> Result<Vec<u32>, String> {
        let library = self.0.as_ref().map_err(Clone::clone)?;
        let mut processes = Vec::new();
        for index in 0..library.device_count().map_err(told)?.min(DEVICES_MAX) {
            let device = library.device_by_index(index).map_err(told)?;
            if u64::from(device.utilization_rates().map_err(told)?.gpu) <= percent {
                continue;
            }
            match device.process_utilization_stats(None) {
                Ok(samples) => processes.extend(
                    samples
                        .iter()
                        .filter(|sample| percent < u64::from(sample.sm_util.max(sample.dec_util)))
                        .map(|sample| sample.pid),
                ),
                // A busy device that does not say whose work it is: everybody who computes on it or draws with it.
                Err(_) => {
                    let computing = device.running_compute_processes().map_err(told)?;
                    let drawing = device.running_graphics_processes().map_err(told)?;
                    processes.extend(computing.iter().chain(&drawing).map(|process| process.pid));
                }
            }
        }
        Ok(processes)
    }

    /// Returns the energy that each device used since its driver was loaded; devices that don't count are left out.
    pub(crate) fn energy(&self) -> Vec<Energy> {
        let Ok(library) = &self.0 else { return Vec::new() };
        let count = library.device_count().unwrap_or(0).min(DEVICES_MAX);
        (0..count)
            .filter_map(|index| {
                let millijoules =
                    library.device_by_index(index).ok()?.total_energy_consumption().ok()?;
                Some(Energy {
                    source: format!("NVML device {index}"),
                    microjoules: millijoules.saturating_mul(1000),
                    quality: Quality::Measured,
                })
            })
            .collect()
    }
}

fn told(error: NvmlError) -> String {
    format!("NVML: {error}")
}
