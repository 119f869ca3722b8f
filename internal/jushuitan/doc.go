// Package jushuitan reads after-sales orders (售后单) from Jushuitan (聚水潭)
// through Alibaba's Qimen (奇门) gateway.
//
// The wire, in short: one POST a call to …/router/qm. The system parameters
// (method, app_key, target_app_key, customer_id, timestamp in Beijing time,
// format=json, v=2.0, sign_method, session, sign) go into the URL query, the
// business parameters (page_index, start_time, …) into a form body, as the
// vendor's SDK does. All of them are signed together, see [Sign]. The reply is
// JSON under a single root object; failures come with HTTP 200 too, in the
// envelope of the gateway, the platform or Jushuitan. Types are loose: a number
// may be a string, anything may be null, lists are wrapped, and strings may hold
// raw control characters. Orders are returned as decoded, with every number as
// [encoding/json.Number], so that no digit of an amount is lost.
//
// A call of [Client.RefundList] is one HTTP request; the client never retries.
// A failure is a *fault.Error whose class says what the caller may do.
package jushuitan
