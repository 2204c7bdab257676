//! `gleaner abi`: prints the interfaces of native modules.

use ::abi::{MODULES, Module, Place};
use anyhow::Context as _;
use serde::Serialize;

use crate::output::{Output, table};

/// Flags of `gleaner abi`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the module, as in the list; without it, print the list of all modules
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Print Solidity instead of the JSON ABI
    #[arg(long, requires = "name")]
    solidity: bool,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    /// `null` for a module whose instances have an address each; without prefix, a factory creates them.
    address: Option<String>,
    /// First bytes of the addresses of instances; an instance's number follows in 8 bytes.
    address_prefix: Option<String>,
    about: &'static str,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let Some(name) = &args.name else { return list(output) };
    let module = Module::named(name).with_context(|| {
        let names: Vec<&str> = MODULES.iter().map(|module| module.name).collect();
        format!("there is no module `{name}`: give one of {}", names.join(", "))
    })?;
    if args.solidity {
        let text = module.solidity();
        return output.print(&text, &text);
    }
    let text = module.json_abi();
    let document: serde_json::Value =
        serde_json::from_str(&text).context("the interface does not give valid JSON")?;
    output.print(&document, &text)
}

fn list(output: &Output) -> anyhow::Result<()> {
    let rows: Vec<Row> = MODULES.iter().map(row).collect();
    let cells = |row: &Row| {
        let place = row.address.clone();
        let family = || row.address_prefix.as_ref().map(|prefix| format!("{prefix}…"));
        vec![row.name.to_owned(), place.or_else(family).unwrap_or_default(), row.about.to_owned()]
    };
    let lines: Vec<Vec<String>> = rows.iter().map(cells).collect();
    output.print(&rows, &table(&["module", "address", "about"], &lines))
}

fn row(module: &'static Module) -> Row {
    let (address, address_prefix) = match module.place {
        Place::Fixed(address) => (Some(address.to_string()), None),
        Place::Numbered(prefix) => (None, Some(alloy_primitives::hex::encode_prefixed(prefix))),
        Place::Created(_) => (None, None),
    };
    Row { name: module.name, address, address_prefix, about: module.about() }
}
