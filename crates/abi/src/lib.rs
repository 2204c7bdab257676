//! What the ledger's native modules look like from outside: Solidity interfaces, addresses, device statements.
