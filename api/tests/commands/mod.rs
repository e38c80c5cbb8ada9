//! Commands of the program that work on the database.

mod backup_shares;
