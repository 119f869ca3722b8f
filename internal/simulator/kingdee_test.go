package simulator

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/groupcommit"
	"refundsync/internal/kingdee"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
)

// kingdeeOf returns a client set up as a worker does, from the environment.
func (c *caller) kingdeeOf(auth kingdee.Auth) *kingdee.Client {
	c.t.Helper()
	e := c.environment
	lcid, err := strconv.Atoi(e["KINGDEE_LCID"])
	require.NoError(c.t, err)
	credentials := tenantCredentials
	client, err := kingdee.New(kingdee.Config{
		URL: e["KINGDEE_URL"], Auth: auth, AcctID: credentials.AcctID, Username: credentials.Username, Password: credentials.Password,
		AppID: credentials.AppID, AppSecret: credentials.AppSecret, LCID: lcid, OrgNumber: credentials.OrgNumber, Sessions: 1,
	})
	require.NoError(c.t, err)
	return client
}

// someBills returns n bills that can be saved.
func someBills(t *testing.T, s *Simulator, n int) (models []json.RawMessage, numbers []string) {
	t.Helper()
	for _, expected := range s.Truth() {
		if expected.Outcome == merchant.Saved && len(models) < n {
			model, err := json.Marshal(modelOf(expected.Bill))
			require.NoError(t, err)
			models, numbers = append(models, model), append(numbers, expected.Bill.Number)
		}
	}
	require.Len(t, models, n)
	return models, numbers
}

var returns = kingdee.BillForm{ID: "SAL_RETURNSTOCK", Number: "FBillNo", Date: "FDate", Note: "FHeadNote"}

func TestClientReadsEveryShapeOfAReply(t *testing.T) {
	for _, name := range []faults.Name{faults.KingdeeSessionRefused, faults.KingdeeOtherShape} {
		for _, auth := range []kingdee.Auth{AuthSignature, AuthAppSecret, AuthSign, AuthPassword} {
			t.Run(fmt.Sprint(name, " ", auth), func(t *testing.T) {
				s, _, c := start(t, Options{Seed: 1, Orders: 200, Faults: faults.Probabilities{name: 1}})
				client := c.kingdeeOf(auth)
				models, numbers := someBills(t, s, 30)
				for i, number := range numbers {
					results, err := client.BatchSave(t.Context(), kingdee.BatchSave{Form: returns, Model: models[i : i+1]})
					require.NoError(t, err)
					require.NoError(t, results[0].Err)
					found, err := client.FindBills(t.Context(), returns, []string{number})
					require.NoError(t, err)
					require.Len(t, found[number], 1)
				}
				require.Len(t, s.State().Kingdee.Bills, 30)
				if name == faults.KingdeeSessionRefused && auth == AuthSignature {
					require.Empty(t, s.State().Faults)
				} else {
					require.GreaterOrEqual(t, s.State().Faults[name], 30)
				}
			})
		}
	}
}

func TestClientRetriesABusyBill(t *testing.T) {
	s, _, c := start(t, Options{Seed: 1, Orders: 200, Faults: faults.Probabilities{faults.KingdeeBillBusy: 1}})
	client := c.kingdeeOf(AuthSignature)
	models, _ := someBills(t, s, 20)
	for _, model := range models {
		results, err := client.BatchSave(t.Context(), kingdee.BatchSave{Form: returns, Model: []json.RawMessage{model}})
		if err == nil {
			err = results[0].Err
		}
		require.Equal(t, fault.Retry, fault.As(err).Class, "%v", err)
	}
	require.Empty(t, s.State().Kingdee.Bills)
}

// Bills that were saved before their call was refused are found by a look-up, once each.
func TestBillsOfARefusedAuditAreFound(t *testing.T) {
	s, _, c := start(t, Options{Seed: 1, Orders: 200, AllowDuplicateNumbers: true, Faults: faults.Probabilities{faults.KingdeeAuditRefused: 1}})
	client := groupcommit.New(c.kingdeeOf(AuthSignature), groupcommit.Options{Bills: 20, Wait: time.Millisecond})
	models, numbers := someBills(t, s, 20)
	results, err := client.BatchSave(t.Context(), kingdee.BatchSave{Form: returns, IsAutoSubmitAndAudit: true, Model: models})
	require.NoError(t, err)
	for _, result := range results {
		require.True(t, fault.Is(result.Err, fault.Retry), "%v", result.Err)
	}
	found, err := client.FindBills(t.Context(), returns, numbers)
	require.NoError(t, err)
	require.Len(t, found, 20)
	require.Empty(t, s.State().Kingdee.Doubles)
}

// The client reads the form in every shape, with the planted differences.
func TestClientReadsTheForm(t *testing.T) {
	for _, shapes := range []faults.Probabilities{nil, {faults.KingdeeOtherShape: 1}} {
		s, _, c := start(t, Options{Seed: 1, Orders: 20, Faults: shapes})
		client := c.kingdeeOf(AuthSignature)
		form, err := client.Form(t.Context(), "SAL_RETURNSTOCK")
		require.NoError(t, err)
		require.Equal(t, "BD_Customer", form.Head().Field("FRetcustId").LookUp)
		require.True(t, form.Head().Field("FRetcustId").Required)
		require.Equal(t, 106, form.Part("FEntity").Field("F_DEMO_Wanted").Type)
		require.Len(t, form.Part("FEntity").Field("FOwnerTypeId").Values, 2)
		require.NotNil(t, form.Part("SubHeadEntity").Field("FSettleOrgId"))

		yes, none := true, ""
		s.SetHabits(galaxy.Habits{Form: map[string]galaxy.FieldHabit{
			"F_DEMO_Wanted": {Gone: true}, "FNote": {Required: &yes, Values: []string{"x"}, Type: 61}, "FRetcustId": {LookUp: &none},
			"F_DEMO_New": {Part: "FEntity", Required: &yes},
		}})
		form, err = client.Form(t.Context(), "SAL_RETURNSTOCK")
		require.NoError(t, err)
		lines := form.Part("FEntity")
		require.Nil(t, lines.Field("F_DEMO_Wanted"))
		require.Equal(t, kingdee.FormField{Key: "FNote", Name: "备注", Type: 61, Required: true, Values: []kingdee.FormValue{{Value: "x", Caption: "x"}}}, *lines.Field("FNote"))
		require.Empty(t, form.Head().Field("FRetcustId").LookUp)
		require.True(t, lines.Field("F_DEMO_New").Required)

		s.SetHabits(galaxy.Habits{NoFormRight: true})
		_, err = client.Form(t.Context(), "SAL_RETURNSTOCK")
		require.Equal(t, "no_permission", fault.As(err).Reason)
		_, err = client.Form(t.Context(), "SAL_OTHER")
		require.Equal(t, "bad_query", fault.As(err).Reason)
	}
}
