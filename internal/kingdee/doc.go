// Package kingdee calls the WebAPI of Kingdee Cloud Galaxy (金蝶云星空): it
// saves, submits, audits and finds bills.
//
// The wire, in short: POST {server}/k3cloud/Kingdee.BOS.WebApi.ServicesStub.
// DynamicFormService.{BatchSave|ExecuteBillQuery|Submit|Audit}.common.kdsvc
// with a JSON body {"formid":"SAL_RETURNSTOCK","data":{…}}; ExecuteBillQuery
// has no formid: {"data":{…}}. Each request carries either signed headers or
// the cookies of a login. Failures come with HTTP 200, mostly as
// Result.ResponseStatus with a MsgCode and a list of Errors, which
// ExecuteBillQuery wraps as [[{…}]], and now and then as the text
// "response_error:" followed by JSON; proxies and older versions have shapes of
// their own. A failure is classified by its structure first and by its words last,
// because these may be quoted from a bill. Bills are sent as they are given: Kingdee
// reads the fields in order, and a later one may overwrite an earlier one.
//
// Kingdee saves each bill of a BatchSave in a transaction of its own, so a call
// can succeed for some bills and fail for others. Results are therefore read bill
// by bill, and a bill that the reply does not mention is unclear: it must be looked
// up before a retry.
//
// Package groupcommit lets callers that each have one bill share calls.
//
// A session of Kingdee serves one request at a time, so the client holds several
// and uses each for one call at a time. It never retries a call by itself, with one
// exception: a call refused because its session is lost, or may be, took no effect,
// so the session is renewed and the call retried once.
//
// Failures are *fault.Error, except that a cancelled context gives an error
// for which errors.Is(err, context.Canceled) holds. No error text contains a
// password, a secret or a signature.
package kingdee
