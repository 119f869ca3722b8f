// Package beijing holds the time zone of both systems.
package beijing

import "time"

// Zone is the time zone of both systems. Their times carry no zone.
var Zone = time.FixedZone("Asia/Shanghai", 8*60*60)
