package journal

// Changes is what a write changed, as the column changed holds it. A write that changed nothing has the
// zero value. It has neither names, e-mails, numbers nor other personal data: those are in Fields by name
// only.
type Changes struct {
	// Account is the account of the user before the write, or of a new user after it. With Level, State,
	// Role and OTP it gives the account after the write.
	Account *Account        `json:"account,omitempty"`
	Level   *Change[int]    `json:"level,omitempty"`
	State   *Change[string] `json:"state,omitempty"`
	Role    *Change[string] `json:"role,omitempty"`
	OTP     *Change[bool]   `json:"otp,omitempty"`

	Created bool     `json:"created,omitempty"` // the write made the user
	Fields  []string `json:"fields,omitempty"`  // names of other values that were set, such as data

	Labels         []LabelChange `json:"labels,omitempty"`
	Profile        *Profile      `json:"profile,omitempty"`
	Phone          *Phone        `json:"phone,omitempty"`
	Document       *File         `json:"document,omitempty"`
	Attachment     *File         `json:"attachment,omitempty"`
	ServiceAccount *HeldChange   `json:"service_account,omitempty"`
	APIKeys        []HeldChange  `json:"api_keys,omitempty"`
	Batch          *Batch        `json:"batch,omitempty"` // of a bulk import

	Pruned *int64 `json:"pruned,omitempty"` // rows up to this number were removed from the journal
	Erased bool   `json:"erased,omitempty"` // the salts of the user's rows were removed
	Fork   *Fork  `json:"fork,omitempty"`
}

// Fork is the first row of an epoch: the tree goes on from one that has lost rows.
type Fork struct {
	Epoch    int    `json:"epoch"`
	Size     int64  `json:"size"` // of the tree that goes on
	Root     string `json:"root"` // its root, base64
	Reason   string `json:"reason"`
	LostSize int64  `json:"lost_size,omitempty"` // of the tree of the newest checkpoint; 0: none was known
	LostRoot string `json:"lost_root,omitempty"`
}

// Account is the part of a user that has no personal data.
type Account struct {
	Level int    `json:"level"`
	State string `json:"state"`
	Role  string `json:"role"`
	OTP   bool   `json:"otp"`
}

// Change is an old and a new value.
type Change[T any] struct {
	Old T `json:"old"`
	New T `json:"new"`
}

// LabelChange is a label that was created (Old is nil), changed, or deleted (New is nil). Equal values
// mean that only the description has changed.
type LabelChange struct {
	ID    int64   `json:"id"`
	Key   string  `json:"key"`
	Scope string  `json:"scope"`
	Old   *string `json:"old"`
	New   *string `json:"new"`
}

// Profile is a new profile.
type Profile struct {
	Number int    `json:"number"`
	State  string `json:"state"` // drafted, submitted, verified or rejected
}

// Phone is a phone that was added, or deleted.
type Phone struct {
	ID      int64 `json:"id"`
	Deleted bool  `json:"deleted,omitempty"`
}

// File is a new document or attachment.
type File struct {
	ID     int64  `json:"id"`
	Type   string `json:"type,omitempty"` // doc_type of a document
	Size   int64  `json:"size"`
	Digest string `json:"digest"` // SHA-256 of the content, hexadecimal
}

// HeldChange is a service account by its uid, or an API key by its kid, with its state.
type HeldChange struct {
	ID    string  `json:"id"`
	Old   *string `json:"old"` // state; nil: new
	New   *string `json:"new"` // nil: deleted
	Owner string  `json:"owner,omitempty"`
}

// Batch is a batch of a bulk import: one row stands for all that was stored of it, and no events follow.
type Batch struct {
	Name            string `json:"name,omitempty"`  // of the import; "" of a stream without one
	First           int64  `json:"first,omitempty"` // line or id, where rows have one
	Last            int64  `json:"last,omitempty"`
	Users           int64  `json:"users,omitempty"`
	Documents       int64  `json:"documents,omitempty"`
	ServiceAccounts int64  `json:"service_accounts,omitempty"`
	APIKeys         int64  `json:"api_keys,omitempty"`
	Digest          string `json:"digest"` // SHA-256 of the batch as read, hexadecimal
}
