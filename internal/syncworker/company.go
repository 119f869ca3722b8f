package syncworker

import (
	"errors"
	"maps"
	"slices"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
)

// Company is a company whose orders are read and booked: its flows and its settings, of
// which Worker, but for the task queue, Log and Encryption are the same for all.
type Company struct {
	// Name is "" for the flows and the settings without a company.
	Name     string
	Flows    flow.Flows
	Settings config.Settings
}

// Load reads the settings and the flows of their folder, by company, sorted by name; one at
// least, even with an error. The error lists all mistakes at once, among them settings that
// are missing for what the flows read from.
func Load(environment config.Environment) ([]Company, error) {
	// Its mistakes are those of Load, too.
	worker, _ := environment.LoadWorker()
	flows := flow.Flows{}
	var err error
	if worker.Flows != "" {
		flows, err = flowfile.LoadFolder(worker.Flows)
	}
	names := flows.Companies()
	if only := environment.Only(); only != "" {
		names = []string{only}
		if err == nil && len(flows.OfCompany(only)) == 0 {
			err = text.Errorf("REFUNDSYNC_COMPANY: no flow in %s names the company %s", worker.Flows, only)
		}
	} else if len(names) == 0 {
		names = []string{""}
	}
	var companies []Company
	mistakes := mistakes{}
	for _, name := range names {
		of := flows.OfCompany(name)
		settings, err := environment.Of(name).Load(of.Transports()...)
		mistakes.add(err)
		companies = append(companies, Company{name, of, settings})
	}
	mistakes.add(err)
	mistakes.add(CheckSharedNumbers(companies))
	return companies, errors.Join(mistakes...)
}

// mistakes are errors, each once: companies have settings in common.
type mistakes []error

func (m *mistakes) add(err error) {
	if err == nil {
		return
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, one := range all {
		if !slices.ContainsFunc(*m, func(known error) bool { return known.Error() == one.Error() }) {
			*m = append(*m, one)
		}
	}
}

// CheckSharedNumbers requires that companies which share a data centre at Kingdee number
// their bills in different ways: a bill is found by its number, which is unique within the
// data centre, so that one company's bill would count as the other's.
func CheckSharedNumbers(companies []Company) error {
	var problems []error
	for i, a := range companies {
		for _, b := range companies[:i] {
			if a.Settings.Kingdee.AcctID == "" || a.Settings.Kingdee.AcctID != b.Settings.Kingdee.AcctID {
				continue
			}
			for _, one := range slices.Sorted(maps.Keys(a.Flows)) {
				for _, other := range slices.Sorted(maps.Keys(b.Flows)) {
					if flowfile.ShareNumbers(a.Flows[one], b.Flows[other]) {
						problems = append(problems, text.Errorf("the flows %s and %s of two companies number their bills in the same way and save them in one data centre of Kingdee, so that a bill of one would count as the other's; put a prefix before the key in one of them", other, one))
					}
				}
			}
		}
	}
	return errors.Join(problems...)
}
