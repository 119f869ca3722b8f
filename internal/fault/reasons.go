package fault

import (
	"strings"

	"refundsync/internal/text"
)

// ReasonText is a reason as people read it: its words, and the code in parentheses. A reason
// without words, such as one of a flow file, is shown as it is.
func ReasonText(reason string) text.Text {
	code, _, _ := strings.Cut(reason, " ") // unknown_code names the table and the code, too
	words, ok := reasons[code]
	if !ok {
		return text.Literal(reason)
	}
	return text.New("%s (%s)", words, reason)
}

// reasons are the words of every reason that the program gives.
var reasons = map[string]text.Text{
	// The order.
	"missing_value":       text.New("a value is missing"),
	"malformed_value":     text.New("a value is malformed"),
	"no_lines":            text.New("no line is kept"),
	"expression_failed":   text.New("an expression of the flow has no result"),
	"closed_period":       text.New("the month is closed"),
	"order_gone":          text.New("Jushuitan no longer shows the order"),
	"order_not_found":     text.New("Jushuitan does not show the order"),
	"order_too_large":     text.New("the order is too large"),
	"unreadable_order":    text.New("the order can't be read"),
	"discarded":           text.New("a person has discarded the order"),
	"discards_unknown":    text.New("whether the order was discarded is not known"),
	"flow_changed":        text.New("the order was read for another version of the flow"),
	"unknown_code":        text.New("a table has no row for the code"),
	"table_unread":        text.New("a table from Kingdee could not be read"),
	"source_bill_missing": text.New("no source bill has enough left"),

	// The bill.
	"unknown_material":  text.New("Kingdee does not know the material"),
	"unknown_base_data": text.New("Kingdee does not know the code"),
	"field_required":    text.New("Kingdee requires a field"),
	"validation_failed": text.New("Kingdee refuses the bill"),
	"not_unique":        text.New("Kingdee has several of this code"),
	"not_found":         text.New("Kingdee does not find it"),
	"not_operable":      text.New("Kingdee can't do this with the bill now"),
	"missing_id":        text.New("Kingdee gave no id for the bill"),
	"number_used":       text.New("the bill number is in use"),
	"order_changed":     text.New("the order changed after it was booked"),
	"order_withdrawn":   text.New("the order was withdrawn after it was booked"),
	"number_conflict":   text.New("the bill number is another order's"),
	"mark_damaged":      text.New("the mark in the bill's note is damaged"),
	"double_bill":       text.New("several bills have this number"),
	"bill_void":         text.New("the bill is void"),
	"bills_incomplete":  text.New("an earlier bill of the order is missing"),
	"bill_not_found":    text.New("the bill was not found"),
	"bill_renumbered":   text.New("Kingdee gave the bill another number"),
	"bill_hidden":       text.New("Kingdee does not show the saved bill"),
	"mark_lost":         text.New("the mark in the bill's note was lost"),
	"number_changed":    text.New("the bill number changed"),
	"field_unreadable":  text.New("a field of the bill can't be read"),
	"saved_meanwhile":   text.New("the bill was saved meanwhile"),
	"look_up_too_old":   text.New("the look-up before the save was too old"),
	"source_unread":     text.New("the source bills could not be read"),
	"source_taken":      text.New("another bill took what the source bill had left"),

	// The call.
	"timeout":             text.New("no answer in time"),
	"connection":          text.New("the connection failed"),
	"unreachable":         text.New("the system can't be reached"),
	"tls_certificate":     text.New("the certificate is not accepted"),
	"not_https":           text.New("the answer was not HTTPS"),
	"access_denied":       text.New("access was denied"),
	"redirect":            text.New("the call was redirected"),
	"http_status":         text.New("an HTTP error"),
	"malformed_reply":     text.New("the reply was not understood"),
	"reply_too_large":     text.New("the reply was too large"),
	"session_lost":        text.New("the session was lost"),
	"no_session":          text.New("there is no session"),
	"bad_session":         text.New("the session is not accepted"),
	"no_token":            text.New("there is no access token"),
	"call_limit":          text.New("too many calls"),
	"client_limit":        text.New("too many calls"),
	"network_control":     text.New("Kingdee locks the bill for another operation"),
	"database_failure":    text.New("Kingdee's database failed"),
	"service_unavailable": text.New("the system is not available"),
	"exception":           text.New("an error in the system"),
	"unknown_error":       text.New("an error that the system does not explain"),
	"unclear":             text.New("the outcome is unclear"),
	"no_code":             text.New("the reply has no code"),
	"no_page_count":       text.New("the reply has no number of pages"),
	"gateway_refused":     text.New("the gateway refused the call"),
	"unknown":             text.New("unknown"),

	// Accounts, rights and settings.
	"bad_signature":           text.New("the signature is not accepted"),
	"bad_app_key":             text.New("the app key is not accepted"),
	"bad_timestamp":           text.New("the clocks differ"),
	"bad_argument":            text.New("an argument is not accepted"),
	"bad_parameter":           text.New("a parameter is not accepted"),
	"bad_method":              text.New("the method is not accepted"),
	"bad_protocol":            text.New("the protocol is not accepted"),
	"bad_query":               text.New("the query is not accepted"),
	"bad_request":             text.New("the request is not accepted"),
	"bad_setting":             text.New("a setting is wrong"),
	"reserved_parameter":      text.New("a parameter is reserved"),
	"no_such_filter":          text.New("the source can't filter by this"),
	"administrator_forbidden": text.New("an administrator may not be used"),
	"webapi_forbidden":        text.New("the user may not use the WebAPI"),
	"ip_not_allowed":          text.New("the IP address is not allowed"),
	"no_permission":           text.New("a right is missing"),
	"no_access":               text.New("the open platform is not set up"),
	"login_failed":            text.New("the login failed"),
	"licence":                 text.New("a licence is missing"),
	"wrong_address":           text.New("the address is wrong"),
	"wrong_data_centre":       text.New("the data centre is wrong"),
	"form_not_understood":     text.New("the form was not understood"),

	// The run.
	"clock_ahead":              text.New("the worker's clock is ahead of the source's"),
	"not_parked":               text.New("orders could not be parked"),
	"too_many_failures":        text.New("too many orders fail for one cause"),
	"run_unfinished":           text.New("the run did not finish"),
	"run_ending":               text.New("the run is about to end"),
	"window_unfinished":        text.New("a window was not read to its end"),
	"window_cut":               text.New("a window was cut"),
	"reconcile_unfinished":     text.New("the reconciliation did not finish"),
	"watermark_unknown":        text.New("there is no watermark"),
	"unknown_grain":            text.New("the grain is unknown"),
	"unknown_rate":             text.New("the rate is not possible"),
	"no_sweep":                 text.New("the flow has no sweep"),
	"flow_disabled":            text.New("the flow is disabled"),
	"unknown_flow":             text.New("no worker has the flow"),
	"row_versions_unsupported": text.New("the source has no row versions"),
	"unknown_encryption_key":   text.New("an encryption key is missing"),
	"undecryptable_payload":    text.New("content can't be decrypted"),
	"clear_text_payload":       text.New("content is not encrypted"),

	// The robots.
	"robot_address":    text.New("the robot's address is not accepted"),
	"robot_security":   text.New("the robot's security setting refuses the message"),
	"robot_message":    text.New("the robot does not accept the message"),
	"robot_call_limit": text.New("too many messages"),
	"robot_refused":    text.New("the robot refused"),
	"robot_reply":      text.New("the robot's reply was not understood"),
	"unknown_robot":    text.New("the flow has no such robot"),
}
