package cli

// elsewhere maps settings of Barong to advice: the equivalent setting of this server, or why
// there is none. Some versions of Barong read the names that begin with BARONG_ without it: those
// are the same settings, unless they are in common.
var elsewhere = map[string]string{ //nolint:gosec // names of settings, not credentials
	"DATABASE_HOST":     setDatabaseURL,
	"DATABASE_PORT":     setDatabaseURL,
	"DATABASE_NAME":     setDatabaseURL,
	"DATABASE_USER":     setDatabaseURL,
	"DATABASE_PASS":     setDatabaseURL,
	"DATABASE_PASSWORD": setDatabaseURL,
	"DATABASE_POOL":     "set DATABASE_URL with ?pool_max_conns= instead",
	"DATABASE_ADAPTER":  setDatabaseURL + ": the database is PostgreSQL",

	"VAULT_ADDRESS":         "set VAULT_ADDR instead",
	"VAULT_ADRESS":          "set VAULT_ADDR instead", //nolint:misspell // so spelt in a version of Barong
	"VAULT_URL":             "set VAULT_ADDR instead",
	"BARONG_VAULT_ADDRESS":  "set VAULT_ADDR instead",
	"BARONG_VAULT_TOKEN":    "set VAULT_TOKEN instead",
	"BARONG_VAULT_APP_NAME": "set VAULT_APP_NAME instead",

	"JWT_PRIVATE_KEY":             "set JWT_PRIVATE_KEY_PATH to a file with the key instead",
	"BARONG_REQUIRED_DOCS_EXPIRE": "set REQUIRED_DOCS_EXPIRE instead",
	"BARONG_APP_NAME":             "set BARONG_OTP_ISSUER instead",
	"BARONG_RACK_ATTACK_LIMIT":    "set BARONG_RATE_LIMITS instead",
	"LOG_LEVEL":                   "set BARONG_LOG_LEVEL instead",

	"BARONG_STORAGE_PROVIDER":           setStorageURL,
	"BARONG_STORAGE_BUCKET_NAME":        setStorageURL,
	"BARONG_STORAGE_ENDPOINT":           setStorageURL,
	"BARONG_STORAGE_REGION":             setStorageURL,
	"BARONG_STORAGE_SIGNATURE_VERSION":  setStorageURL,
	"BARONG_STORAGE_PATHSTYLE":          setStorageURL,
	"BARONG_STORAGE_ACCESS_KEY":         "set AWS_ACCESS_KEY_ID instead",
	"BARONG_STORAGE_SECRET_KEY":         "set AWS_SECRET_ACCESS_KEY instead",
	"BARONG_UPLOAD_AUTH_URL_EXPIRATION": "set BARONG_STORAGE_URL_TTL instead",
	"BARONG_UPLOAD_SIZE_MIN_RANGE":      "documents have 1 byte to 10 MiB",
	"BARONG_UPLOAD_SIZE_MAX_RANGE":      "documents have 1 byte to 10 MiB",
	"BARONG_UPLOAD_EXTENSION_WHITELIST": "documents are jpg, jpeg, png or pdf",
	"BARONG_DOC_NUM_LIMIT":              "the number of documents of a user is not a setting",
	"BARONG_PASSWORD_REGEXP":            fixedPasswordRules,
	"BARONG_PASSWORD_MIN_ENTROPY":       fixedPasswordRules,
	"BARONG_PASSWORD_USE_DICTIONARY":    fixedPasswordRules,
}

const (
	setDatabaseURL     = "set DATABASE_URL=postgres://USER:PASSWORD@HOST:PORT/NAME instead"
	setStorageURL      = "set BARONG_STORAGE_URL, as s3://bucket?region=eu-central-1, instead"
	fixedPasswordRules = "the rules for passwords are not a setting"
)

// absent lists Barong's settings for features that this server does not have: sessions,
// e-mails, text messages, events, captchas. A trailing * matches any suffix. The same names
// with the prefix BARONG_ are Barong's too.
var absent = []string{
	"API_CORS_*", "API_DATA_MASKING_ENABLED", "APIKEY_NONCE_LIFETIME", "AUTH0_*", "AUTH_METHODS", "AUTHZ_RULES_FILE", "CAPTCHA", "CRC32_SALT",
	"CSRF_PROTECTION", "DEFAULT_LANGUAGE", "DEVISE_SECRET_KEY", "DOMAIN", "EVENT_API_JWT_*", "FIRST_REGISTRATION_SUPERADMIN", "GATEWAY", "GEETEST_*", "GEOIP_LANG",
	"JWT_EXPIRE_TIME", "JWT_SHARED_SECRET_KEY", "KYC_PROVIDER", "KYCAID_*", "MAXMINDDB_PATH", "MGN_API_KEYS_*", "PHONE_CODE_MIN_DELAY", "PHONE_MAX_*",
	"PHONE_VERIFICATION", "PROFILE_DOUBLE_VERIFICATION", "RACK_ENV", "RAILS_*", "RECAPTCHA_*", "REDIS_*", "SECRET_KEY_BASE", "SEEDS_FILE", "SENDER_EMAIL", "SENDER_NAME",
	"SENTRY_DSN_BACKEND", "SENTRY_ENV", "SESSION_CREATE_EVENT", "SESSION_EXPIRE_TIME", "SESSION_NAME", "SMS_CONTENT_TEMPLATE", "SMTP_*", "TLS_ENABLED", "TWILIO_*", "URL_HOST", "URL_SCHEME",
}

// common lists names in elsewhere and absent that are too generic to belong to Barong without the prefix
// BARONG_.
var common = []string{"APP_NAME", "CAPTCHA", "DEFAULT_LANGUAGE", "DOMAIN", "GATEWAY", "SEEDS_FILE", "SESSION_NAME", "TLS_ENABLED", "AUTH_METHODS", "URL_HOST", "URL_SCHEME"}
