// Package jushuitan reads orders from Jushuitan (聚水潭), by any interface of the catalog
// that orders are read from: through Alibaba's Qimen (奇门) gateway, or from Jushuitan's open
// platform (开放平台).
//
// Through Qimen, one POST a call to …/router/qm: the system parameters (method, app_key,
// target_app_key, customer_id, timestamp in Beijing time, format=json, v=2.0, sign_method,
// session, sign) go into the URL query, the business parameters (page_index, start_time, …)
// into a form body, as the vendor's SDK does. All of them are signed together, see [Sign].
//
// On the open platform, one POST a call to the interface's path: a form of app_key,
// access_token, timestamp in seconds, charset=utf-8, version=2, sign, see [SignOpen], and
// biz, the business parameters as JSON. [Tokens] gives the access token.
//
// The reply of either is JSON under a single root object; failures come with HTTP 200 too, in
// the envelope of the gateway, the platform or Jushuitan. Types are loose: a number
// may be a string, anything may be null, lists are wrapped, and strings may hold
// raw control characters. Orders are returned as decoded, with every number as
// [encoding/json.Number], so that no digit of an amount is lost.
//
// The client never retries, except with another token. A failure is a *fault.Error whose
// class says what the caller may do.
package jushuitan
