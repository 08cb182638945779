package documents

import (
	_ "gocloud.dev/blob/s3blob" // s3://
)
