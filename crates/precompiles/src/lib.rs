//! Native modules of the ledger: stateful precompiles that apply the rules.
