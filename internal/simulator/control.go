package simulator

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/text"
)

// handleControl adds the addresses by which a person or a test looks behind the scenes:
//
//	GET  /_sim/state            what both systems hold; ?bills=false omits the bills
//	GET  /_sim/truth            what must become of every order as it is now; ?from= and ?to= (yyyy-MM-dd HH:mm:ss, Beijing time) narrow it, ?flow= is for another flow than the built-in one
//	POST /_sim/materials        {"number":"…"} adds a material
//	POST /_sim/base_data        {"form":"BD_Customer","number":"…","name":"…","organisation":"…","forbidden":false,"draft":false} adds or replaces base data
//	POST /_sim/bills/void       {"number":"…"} voids the bills of a number
//	POST /_sim/bills/audit      {"number":"…","by":"…"} submits and audits the bills of a number as a user does
//	POST /_sim/bills/delete     {"number":"…"} deletes them, whatever their status
//	POST /_sim/bills/change     {"number":"…","line":1,"field":"FRealQty","value":"3"} changes a field of a line, or of the head without a line
//	POST /_sim/bills/copy       {"number":"…","as":"…","marked":true} enters the same bill under another number, with the mark or without
//	GET, PUT /_sim/habits       what Kingdee's settings do to bills, such as {"renumber":true}
//	GET  /_sim/robots           what the robots of group chats were sent
//	POST /_sim/sessions/expire  ends all Kingdee sessions
//	POST /_sim/tokens/end       ends all tokens of the open platform
//	GET /_sim/faults            the probability of each fault
//	PUT /_sim/faults            {"name":probability,…} sets all; faults that are not named are off
//	POST /_sim/faults           {"name":probability,…} sets those that are named
//	DELETE /_sim/faults         switches all off
func (s *Simulator) handleControl(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/state", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, s.state(r.FormValue("bills") != "false"))
	})
	mux.HandleFunc("GET /_sim/robots", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.robots.State()) })
	mux.HandleFunc("GET /_sim/truth", s.serveTruth)
	mux.HandleFunc("POST /_sim/materials", s.serveMaterial)
	mux.HandleFunc("POST /_sim/base_data", s.serveBaseData)
	for name, do := range map[string]func(billChange) error{
		"void":   func(c billChange) error { return s.VoidBills(c.Number) },
		"audit":  func(c billChange) error { return s.AuditBills(c.Number, c.By) },
		"delete": func(c billChange) error { return s.DeleteBill(c.Number) },
		"change": func(c billChange) error { return s.ChangeBill(c.Number, c.Line, c.Field, c.Value) },
		"copy":   func(c billChange) error { return s.CopyBill(c.Number, c.As, c.Marked) },
	} {
		mux.HandleFunc("POST /_sim/bills/"+name, serveBillChange(do))
	}
	mux.HandleFunc("GET /_sim/habits", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Tenant.Habits()) })
	mux.HandleFunc("PUT /_sim/habits", s.serveHabits)
	mux.HandleFunc("POST /_sim/sessions/expire", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]int{"expired": s.ExpireSessions()})
	})
	mux.HandleFunc("POST /_sim/tokens/end", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]int{"ended": s.EndTokens()})
	})
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { s.showFaults(w) })
	mux.HandleFunc("PUT /_sim/faults", s.serveFaults(s.faults.Set))
	mux.HandleFunc("POST /_sim/faults", s.serveFaults(s.faults.Add))
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.faults.Clear()
		s.showFaults(w)
	})
}

func (s *Simulator) serveTruth(w http.ResponseWriter, r *http.Request) {
	flow := merchant.Flow(cmp.Or(r.FormValue("flow"), string(merchant.RefundToReturn)))
	if !slices.Contains(merchant.Flows, flow) {
		http.Error(w, text.Sprintf("there is no flow %s", flow), http.StatusBadRequest)
		return
	}
	truth := s.TruthOf(flow)
	from, _ := s.Range()
	to := truth.Latest().Add(time.Second)
	for name, bound := range map[string]*time.Time{"from": &from, "to": &to} {
		value := r.FormValue(name)
		if value == "" {
			continue
		}
		t, err := time.ParseInLocation(time.DateTime, value, merchant.Beijing)
		if err != nil {
			http.Error(w, text.Sprintf("%s must be yyyy-MM-dd HH:mm:ss", name), http.StatusBadRequest)
			return
		}
		*bound = t
	}
	truth = truth.Between(from, to)
	writeJSON(w, map[string]any{"totals": truth.Totals(), "orders": truth})
}

func (s *Simulator) serveMaterial(w http.ResponseWriter, r *http.Request) {
	var material struct {
		Number string `json:"number"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&material); err != nil || material.Number == "" {
		http.Error(w, text.Sprintf(`expected {"number":"<material number>"}`), http.StatusBadRequest)
		return
	}
	if err := s.AddMaterial(material.Number); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, map[string]string{"number": material.Number})
}

func (s *Simulator) serveBaseData(w http.ResponseWriter, r *http.Request) {
	var item struct {
		Form string `json:"form"`
		galaxy.BaseItem
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&item)
	if err == nil {
		err = s.PutBaseData(item.Form, item.BaseItem)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, item)
}

// billChange is what a person does to the bills of a number in Kingdee itself.
type billChange struct {
	Number string `json:"number"`
	Line   int    `json:"line,omitempty"`
	Field  string `json:"field,omitempty"`
	Value  string `json:"value,omitempty"`
	As     string `json:"as,omitempty"`
	Marked bool   `json:"marked,omitempty"`
	By     string `json:"by,omitempty"`
}

func serveBillChange(do func(billChange) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var change billChange
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&change)
		if err == nil {
			err = do(change)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, change)
	}
}

func (s *Simulator) serveHabits(w http.ResponseWriter, r *http.Request) {
	habits, err := galaxy.ReadHabits(http.MaxBytesReader(w, r.Body, 1<<16))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.SetHabits(habits)
	writeJSON(w, habits)
}

func (s *Simulator) serveFaults(set func(faults.Probabilities) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var p faults.Probabilities
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&p)
		if err == nil {
			err = set(p)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.showFaults(w)
	}
}

// showFaults writes the probability of every fault; 0 is off.
func (s *Simulator) showFaults(w http.ResponseWriter) {
	all := faults.Probabilities{}
	for _, name := range faults.Names() {
		all[name] = 0
	}
	maps.Copy(all, s.faults.Probabilities())
	writeJSON(w, all)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	// If the caller has gone, there is nobody to report the error to.
	_ = json.NewEncoder(w).Encode(v)
}
