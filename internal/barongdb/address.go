package barongdb

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Limits of a connection to MySQL. A read waits for the first rows of a query that may visit a whole table.
const (
	dialTimeout  = 15 * time.Second
	readTimeout  = 5 * time.Minute
	writeTimeout = time.Minute
)

// connect opens the pool of a URL, which the first use connects. name identifies the database without
// credentials. Errors contain no part of the URL that may be secret.
func connect(address string) (pool *sql.DB, d dialect, name string, err error) {
	scheme, _, _ := strings.Cut(address, "://")
	switch scheme {
	case "mysql", "mysql2": // the second is what Rails calls it
		config, name, err := mysqlConfig(address)
		if err != nil {
			return nil, nil, "", err
		}
		connector, err := mysql.NewConnector(config)
		if err != nil {
			return nil, nil, "", err
		}
		return sql.OpenDB(connector), mysqlDialect{}, name, nil
	case "postgres", "postgresql":
		config, err := pgx.ParseConfig(address)
		if err != nil {
			return nil, nil, "", errors.New("the URL of Barong's database is not one of PostgreSQL, such as postgres://user:password@host:5432/barong")
		}
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // which a pooler between the two admits
		config.RuntimeParams["application_name"] = "barong"
		return stdlib.OpenDB(*config), postgresDialect{}, fmt.Sprintf("postgres://%s/%s", hostPort(config.Host, config.Port), config.Database), nil
	default:
		return nil, nil, "", errors.New("the URL of Barong's database must begin with mysql:// or postgres://")
	}
}

func hostPort(host string, port uint16) string {
	if strings.HasPrefix(host, "/") {
		return host
	}
	return net.JoinHostPort(host, fmt.Sprint(port))
}

// ofRails are parameters of a URL that configure Rails, not the connection. Barong's own URL has them.
var ofRails = []string{"encoding", "charset", "collation", "pool", "reconnect", "timeout", "connect_timeout", "read_timeout", "write_timeout", "variables", "prepared_statements"}

// mysqlConfig reads mysql://user:password@host:port/database?tls=true&socket=/path. tls is one of true,
// skip-verify, preferred and false.
func mysqlConfig(address string) (config *mysql.Config, name string, err error) {
	parsed, err := url.Parse(address)
	if err != nil {
		// Its own error repeats the URL, and so the password.
		return nil, "", errors.New("the URL of Barong's database cannot be parsed: special characters of the password must be percent-encoded")
	}
	config = mysql.NewConfig()
	config.User = parsed.User.Username()
	config.Passwd, _ = parsed.User.Password()
	config.DBName = strings.TrimPrefix(parsed.Path, "/")
	if config.DBName == "" || strings.Contains(config.DBName, "/") {
		return nil, "", errors.New("the URL of Barong's database lacks the name of the database: mysql://user:password@host:3306/barong_production")
	}
	config.Net, config.Addr = "tcp", parsed.Host
	if parsed.Port() == "" {
		config.Addr = net.JoinHostPort(parsed.Hostname(), "3306")
	}
	for parameter, values := range parsed.Query() {
		switch value := values[len(values)-1]; {
		case parameter == "socket" && value != "":
			config.Net, config.Addr = "unix", value
		case parameter == "tls" && slices.Contains([]string{"true", "skip-verify", "preferred", "false"}, value):
			config.TLSConfig = value
		case parameter == "tls":
			return nil, "", errors.New("the parameter tls of the database's URL must be true, skip-verify, preferred or false")
		case !slices.Contains(ofRails, parameter):
			return nil, "", fmt.Errorf("the database's URL has the parameter %q; known are tls and socket", parameter)
		}
	}
	if config.Net == "tcp" && parsed.Hostname() == "" {
		return nil, "", errors.New("the URL of Barong's database names neither a host nor a socket")
	}
	config.Timeout, config.ReadTimeout, config.WriteTimeout = dialTimeout, readTimeout, writeTimeout
	config.Collation = "utf8mb4_general_ci"
	// Dates stay texts, since MySQL has some that do not exist. Without a prepared statement MySQL sends texts
	// as they are stored.
	config.ParseTime, config.InterpolateParams = false, true
	config.Loc = time.UTC
	config.Params = map[string]string{"wait_timeout": "28800"} // the connection rests while users are stored
	return config, "mysql://" + config.Addr + "/" + config.DBName, nil
}
