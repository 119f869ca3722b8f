package simulator

import (
	"encoding/json"
	"net/http"
	"time"

	"refundsync/internal/simulator/merchant"
)

// handleControl adds the addresses by which a person or a test looks behind
// the scenes:
//
//	GET  /_sim/state            what both systems hold; ?bills=false leaves the bills out
//	GET  /_sim/truth            what must become of every order; ?from= and ?to= (yyyy-MM-dd HH:mm:ss, Beijing time) narrow it
//	POST /_sim/materials        {"number":"…"} adds a material
//	POST /_sim/sessions/expire  ends all sessions of Kingdee
func (s *Simulator) handleControl(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/state", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, s.state(r.FormValue("bills") != "false"))
	})
	mux.HandleFunc("GET /_sim/truth", s.serveTruth)
	mux.HandleFunc("POST /_sim/materials", s.serveMaterial)
	mux.HandleFunc("POST /_sim/sessions/expire", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]int{"expired": s.ExpireSessions()})
	})
}

func (s *Simulator) serveTruth(w http.ResponseWriter, r *http.Request) {
	from, to := s.Range()
	for name, bound := range map[string]*time.Time{"from": &from, "to": &to} {
		text := r.FormValue(name)
		if text == "" {
			continue
		}
		t, err := time.ParseInLocation(time.DateTime, text, merchant.Beijing)
		if err != nil {
			http.Error(w, name+"必须是 yyyy-MM-dd HH:mm:ss。 "+name+" must be yyyy-MM-dd HH:mm:ss.", http.StatusBadRequest)
			return
		}
		*bound = t
	}
	truth := s.Truth().Between(from, to)
	writeJSON(w, map[string]any{"totals": truth.Totals(), "orders": truth})
}

func (s *Simulator) serveMaterial(w http.ResponseWriter, r *http.Request) {
	var material struct {
		Number string `json:"number"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&material); err != nil || material.Number == "" {
		http.Error(w, `请求应为 {"number":"物料编码"}。 The request must be {"number":"<material number>"}.`, http.StatusBadRequest)
		return
	}
	if err := s.AddMaterial(material.Number); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, map[string]string{"number": material.Number})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	// A caller that has gone does not read the reply; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}
