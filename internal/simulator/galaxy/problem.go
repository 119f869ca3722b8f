package galaxy

import "fmt"

// problem is why one bill can't be saved or changed.
type problem struct {
	code    int    // the MsgCode
	field   string // "" if no field is at fault
	message string
}

func invalid(field, format string, args ...any) *problem {
	return &problem{code: msgInvalid, field: field, message: fmt.Sprintf(format, args...)}
}

// databaseFailure reports a change that could not be written to the data file.
func databaseFailure(err error) *problem {
	return &problem{code: msgDatabaseFailure, message: "数据库执行异常：" + err.Error()}
}
