// Package beijing holds the time zone of both systems.
package beijing

import "time"

// Zone is the time zone of both systems. Their times carry no zone.
var Zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// Day is the day of a time in the zone: 2006-01-02.
func Day(at time.Time) string { return at.In(Zone).Format(time.DateOnly) }
