// Package barongtest runs real databases with Barong's tables for tests: MariaDB where its programs are
// installed, and PostgreSQL. It fills them with users that have every irregularity that Barong's races and
// admin pages leave behind, or with any number of ordinary users.
//
// A test binary starts each server once, when the first test asks for it. Its TestMain stops them:
//
//	func TestMain(m *testing.M) { os.Exit(barongtest.Main(m)) }
//
//	func TestImport(t *testing.T) {
//		barong := barongtest.MariaDB(t, barongtest.V23) // a database of its own, dropped at the end
//		data := barong.Irregular(t, 1, 202)
//		read(t, barong.URL) // what must be read: data.Accounts; each says which irregularity it has
//	}
//
// Without MariaDB's programs a test is skipped, and make test says so; with BARONG_TEST_MARIADB=1 it fails.
// [Database.Exec] changes rows between two runs; [Database.Bulk] fills a database with many users;
// [Database.Transit] answers as Vault's transit engine does, for the encrypted columns of 2.6. Programs other
// than tests use [StartMariaDB].
package barongtest
