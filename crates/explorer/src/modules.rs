//! The native modules and their interfaces, by the catalogue.

use abi::{
    MODULES, Module, Place,
    interface::{Parameter, declaration},
};
use maud::{Markup, html};

use crate::{Answer, NoPage, Shown, layout};

pub(crate) fn list() -> Answer {
    let row = |module: &Module| {
        let name = html! { a href=(path(module)) { (module.name) } };
        vec![name, place(module), html! { (module.about()) }]
    };
    let rows: Vec<_> = MODULES.iter().map(row).collect();
    let body = layout::list(&["module", "address", "what it is"], &rows, "None.");
    Ok(Shown::Html { title: "Native modules".to_owned(), body })
}

pub(crate) fn one(name: &str) -> Answer {
    let Some(module) = Module::named(name) else {
        return Err(NoPage::NotFound("such module".to_owned()));
    };
    let interfaces = module.interfaces();
    let functions = interfaces.iter().flat_map(|interface| &interface.functions);
    let functions = functions.map(|function| {
        let returns = match declaration(&function.outputs) {
            none if none.is_empty() => none,
            outputs => format!(" returns ({outputs})"),
        };
        let text = signature(&function.name, &function.inputs);
        entry(&format!("{text} {}{returns}", function.mutability.as_str()), &function.docs)
    });
    let events = interfaces.iter().flat_map(|interface| &interface.events);
    let events = events.map(|event| entry(&signature(&event.name, &event.inputs), &event.docs));
    let errors = interfaces.iter().flat_map(|interface| &interface.errors);
    let errors = errors.map(|error| entry(&signature(&error.name, &error.inputs), &error.docs));
    let command = format!("gleaner abi {}", module.name);
    let body = html! {
        (layout::facts(&[("address", place(module)), ("JSON ABI", html! { code { (command) } })]))
        p { (module.about()) }
        (section("Functions", functions))
        (section("Events", events))
        (section("Errors", errors))
    };
    Ok(Shown::Html { title: format!("Module {}", module.name), body })
}

/// Returns the path of a module's page.
pub(crate) fn path(module: &Module) -> String {
    format!("/module/{}", module.name)
}

fn place(module: &Module) -> Markup {
    match module.place {
        Place::Fixed(address) => layout::mono(address),
        Place::Numbered(prefix) => {
            let prefix = alloy_primitives::hex::encode_prefixed(prefix);
            html! { (layout::mono(prefix)) " and a number in 8 bytes" }
        }
        Place::Created(kind) => html! { "created by a factory, with the code of a " (kind) },
    }
}

fn signature(name: &str, inputs: &[Parameter]) -> String {
    format!("{name}({})", declaration(inputs))
}

fn entry(text: &str, docs: &str) -> Markup {
    html! { dt class="mono" { (text) } @if !docs.is_empty() { dd { (docs) } } }
}

fn section(title: &str, entries: impl Iterator<Item = Markup>) -> Markup {
    html! { h2 { (title) } dl { @for entry in entries { (entry) } } }
}
