//! The file: made once, checked at each start, refused untouched when it is not
//! ours or is damaged.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

/// `mail` in ASCII: what `file(1)` and SQLite tools show as the application.
const APPLICATION_ID: u32 = 0x6d61_696c;
/// Of the schema.
const VERSION: u32 = 1;
const SCHEMA: &str = include_str!("schema.sql");
/// Files above this size are not read through at each start.
const CHECKED_WHOLE: u64 = 1 << 30;

/// Why a data directory cannot be used. It was not touched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("{}: another mail-server is using this directory; stop it, or choose another --data", .0.display())]
    InUse(PathBuf),
    #[error("{}: not a file of mail-server; choose another --data directory, or move this file away", .0.display())]
    Foreign(PathBuf),
    #[error(
        "{}: made by another version of mail-server (format {found}, this one reads format {VERSION}); \
         run that version, or choose another --data directory", path.display()
    )]
    Version { path: PathBuf, found: u32 },
    #[error(
        "{}: damaged ({what}); put back a copy from a backup, or move it away and run \
         `sqlite3 {0} .recover` to save what can be read", path.display()
    )]
    Damaged { path: PathBuf, what: String },
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// A data directory that is this process's alone while this value lives.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) file: PathBuf,
    _lock: File,
}

impl Directory {
    /// Takes the directory, making it and the file where they are missing.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| OpenError::Io { path, error }
        };
        private_dir(path).map_err(io(path))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
            Err(TryLockError::Error(e)) => return Err(io(&lock_path)(e)),
        }
        let file = path.join("mail.sqlite");
        match fs::metadata(&file) {
            Ok(meta) => check(&file, meta.len())?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => make(&file)?,
            Err(e) => return Err(io(&file)(e)),
        }
        Ok(Directory { file, _lock: lock })
    }

    /// A connection as all of them are set up.
    pub(super) fn connect(&self) -> rusqlite::Result<Connection> {
        connect(&self.file)
    }
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; \
         PRAGMA journal_size_limit = 67108864; PRAGMA cell_size_check = ON;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Writes an empty store beside its place and moves it there: a start that was cut
/// off leaves no half of one.
fn make(file: &Path) -> Result<(), OpenError> {
    let new = file.with_extension("sqlite.new");
    let failed = |what: String| OpenError::Io {
        path: file.to_owned(),
        error: io::Error::other(what),
    };
    let sql = || -> rusqlite::Result<()> {
        let connection = Connection::open(&new)?;
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; BEGIN; {SCHEMA} \
             PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT; \
             PRAGMA wal_checkpoint(TRUNCATE);"
        ))?;
        connection.close().map_err(|(_, e)| e)
    };
    let files = || -> io::Result<()> {
        match fs::remove_file(&new) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        private_file(&new)?;
        sql().map_err(|e| io::Error::other(e.to_string()))?;
        fs::rename(&new, file)?;
        if let Some(parent) = file.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(())
    };
    files().map_err(|e| failed(e.to_string()))
}

/// Whether the file is one of ours, of this version and whole.
fn check(file: &Path, length: u64) -> Result<(), OpenError> {
    let path = || file.to_owned();
    let mut header = [0; 100];
    match File::open(file).and_then(|mut f| f.read_exact(&mut header)) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(OpenError::Foreign(path()));
        }
        Err(error) => {
            return Err(OpenError::Io {
                path: path(),
                error,
            });
        }
        Ok(()) => {}
    }
    // https://sqlite.org/fileformat.html, 1.3
    let number = |at: usize| {
        let bytes = header.get(at..at + 4).and_then(|b| b.try_into().ok());
        u32::from_be_bytes(bytes.unwrap_or_default())
    };
    if !header.starts_with(b"SQLite format 3\0") || number(68) != APPLICATION_ID {
        return Err(OpenError::Foreign(path()));
    }
    if number(60) != VERSION {
        return Err(OpenError::Version {
            path: path(),
            found: number(60),
        });
    }
    let side = |suffix: &str| PathBuf::from(format!("{}{suffix}", file.display()));
    let (log, index) = (side("-wal"), side("-shm"));
    let had_log = log.exists();
    let outcome = inspect(file, length);
    if outcome.is_err() && !had_log {
        // Looking at it made these, empty.
        let _ = (fs::remove_file(log), fs::remove_file(index));
    }
    outcome.map_err(|what| OpenError::Damaged { path: path(), what })
}

fn inspect(file: &Path, length: u64) -> Result<(), String> {
    let look = || -> rusqlite::Result<String> {
        let connection = connect(file)?;
        // Closing must not move a log into a file that turns out to be damaged.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let tables = |c: &Connection| -> rusqlite::Result<Vec<String>> {
            let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
            let mut statement = c.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.filter(|sql| !matches!(sql, Ok(s) if s.contains("sqlite_sequence")))
                .collect()
        };
        let reference = Connection::open_in_memory()?;
        reference.execute_batch(SCHEMA)?;
        if tables(&connection)? != tables(&reference)? {
            return Ok("its tables are not those of this version".into());
        }
        if length > CHECKED_WHOLE {
            return Ok("ok".into());
        }
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
    };
    match look() {
        Ok(said) if said == "ok" => Ok(()),
        Ok(said) => Err(said.replace('\n', " ")),
        Err(e) => Err(e.to_string()),
    }
}

#[cfg(unix)]
fn private_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn private_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// An empty file that only its owner may read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
