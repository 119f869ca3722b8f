package kingdee

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"refundsync/internal/text"
)

// BatchSave is a call of BatchSave (批量保存): bills of one form.
type BatchSave struct {
	// Form is the form of the bills.
	Form BillForm
	// Operation is the method's name, of which Kingdee takes BatchSave and
	// batchSave. "": BatchSave.
	Operation string
	// Model has a JSON object for each bill. They are sent byte for byte:
	// Kingdee reads the fields in order, and a later one may overwrite an
	// earlier one. At most 20 a call are advised.
	Model []json.RawMessage
	// BatchCount is the number of the server's threads, at most 5 by advice.
	// It matters only with more bills than threads. 0 is left out.
	BatchCount int
	// IsVerifyBaseDataField has Kingdee report an unknown reference; otherwise
	// it drops the reference silently.
	IsVerifyBaseDataField bool
	// IsAutoSubmitAndAudit submits and audits the saved bills in the same
	// call. Kingdee's documents do not list it.
	IsAutoSubmitAndAudit bool

	// Over is the bill that the only one of Model overwrites, as a look-up showed it; nil
	// for new bills. It is not sent: group commit checks with it that the bill is unchanged.
	Over *Bill
}

// MethodBatchSave is the method of [Client.BatchSave] unless Operation says otherwise.
const MethodBatchSave = "BatchSave"

// Method is the name of the method that is called.
func (b BatchSave) Method() string {
	if b.Operation == "" {
		return MethodBatchSave
	}
	return b.Operation
}

// saveOptions is the object data of BatchSave without Model, in the order of
// Kingdee's own sample, with Kingdee's defaults spelled out.
type saveOptions struct {
	NeedUpDateFields      []string
	NeedReturnFields      []string
	IsDeleteEntry         bool
	SubSystemId           string
	IsVerifyBaseDataField bool
	IsEntryBatchFill      bool
	ValidateFlag          bool
	NumberSearch          bool
	IsAutoAdjustField     bool
	InterationFlags       string
	IgnoreInterationFlag  bool
	IsControlPrecision    bool
	ValidateRepeatJson    bool
	IsAutoSubmitAndAudit  bool
	BatchCount            int `json:",omitempty"`
}

// Body gives the exact HTTP body. It fails, as fault.Final, if a bill of Model is not
// a JSON object or Operation is not BatchSave in some case.
func (b BatchSave) Body() ([]byte, error) {
	if !strings.EqualFold(b.Method(), MethodBatchSave) {
		return nil, badRequest.failure(b.Method(), text.Errorf("Operation must be batchSave"))
	}
	for i, bill := range b.Model {
		if !json.Valid(bill) || !bytes.HasPrefix(bytes.TrimLeft(bill, " \t\r\n"), []byte("{")) {
			return nil, badRequest.failure(b.Method(), text.Errorf("bill %d of Model is not a JSON object", i+1))
		}
	}
	options, err := encode(saveOptions{
		NeedUpDateFields:      []string{},
		NeedReturnFields:      []string{},
		IsDeleteEntry:         true,
		IsVerifyBaseDataField: b.IsVerifyBaseDataField,
		IsEntryBatchFill:      true,
		ValidateFlag:          true,
		NumberSearch:          true,
		IgnoreInterationFlag:  true,
		IsAutoSubmitAndAudit:  b.IsAutoSubmitAndAudit,
		BatchCount:            b.BatchCount,
	})
	if err != nil {
		return nil, err
	}
	formID, err := encode(b.Form.ID)
	if err != nil {
		return nil, err
	}
	// Written by hand, because encoding/json would reformat the bills.
	var body bytes.Buffer
	body.WriteString(`{"formid":`)
	body.Write(formID)
	body.WriteString(`,"data":`)
	body.Write(bytes.TrimSuffix(options, []byte("}")))
	body.WriteString(`,"Model":[`)
	for i, bill := range b.Model {
		if i > 0 {
			body.WriteByte(',')
		}
		body.Write(bill)
	}
	body.WriteString(`]}}`)
	return body.Bytes(), nil
}

// BatchSave saves the bills in one call. There is one result per bill, in Model's
// order; each bill succeeds or fails by itself.
//
// An error is about the call as a whole. With fault.Retry and with a cancelled ctx
// bills may have been saved all the same: look them up first. With every other class
// nothing was saved, except that a bill with IsAutoSubmitAndAudit may have been
// refused after it was saved.
func (c *Client) BatchSave(ctx context.Context, b BatchSave) ([]BillResult, error) {
	if len(b.Model) == 0 {
		return nil, nil
	}
	body, err := b.Body()
	if err != nil {
		return nil, err
	}
	return call(ctx, c, b.Method(), body, func(raw []byte) ([]BillResult, error) {
		return decodeResults(b.Method(), raw, len(b.Model), byIndex)
	})
}

// NumberOf reads the number from a bill of [BatchSave.Model]. It is "" for a bill without a number, to
// which Kingdee gives one, and for anything that is not a bill. It reads no further than
// the number, which is near the beginning.
func (f BillForm) NumberOf(bill json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(bill))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return ""
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return ""
		}
		var number looseText
		if name == f.Number {
			// Anything else leaves it empty.
			_ = decoder.Decode(&number)
			return string(number)
		}
		var other json.RawMessage
		if decoder.Decode(&other) != nil {
			return ""
		}
	}
	return ""
}
