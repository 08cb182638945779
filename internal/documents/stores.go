package documents

import (
	_ "gocloud.dev/blob/s3blob" // s3://; the binary of cloud/ has gs:// and azblob:// too
)
