//! The wire: an exchange frame into a Trade without needless allocation, and a Trade into a record.
