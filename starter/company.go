package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
)

// scope is what a command is about.
type scope struct {
	// environment has the settings of the command's company.
	environment config.Environment
	// all says that nobody has chosen a company, so that a list is of all.
	all bool
	// several are the companies of the folder if the command's can't be told.
	several []string
	// unknown says why the company can't be told, though there are settings of one.
	unknown error
}

type scopeKey struct{}

// scopeOf is the scope that [chooseCompany] has put into a command's context.
func scopeOf(ctx context.Context) scope {
	if chosen, ok := ctx.Value(scopeKey{}).(scope); ok {
		return chosen
	}
	return scope{environment: config.FromProcess(), all: true}
}

// environmentOf has the settings of the command's company.
func environmentOf(ctx context.Context) config.Environment { return scopeOf(ctx).environment }

const companyFlag = "company"

// chooseCompany finds out which company a command is about: the chosen one, or the only one
// of the folder, or that of the flow which the command names.
func chooseCompany(cmd *cobra.Command, args []string) error {
	environment := config.FromProcess()
	flows := flow.Flows{}
	// A command that needs the folder says what is wrong with it.
	worker, folderErr := environment.LoadWorker()
	if folderErr == nil && worker.Flows != "" {
		var loaded flow.Flows
		if loaded, folderErr = flowfile.LoadFolder(worker.Flows); folderErr == nil {
			flows = loaded
		}
	}
	companies := flows.Companies()
	chosen := scope{all: true}
	company := environment.Only()
	if flag := cmd.Flags().Lookup(companyFlag); flag != nil && flag.Changed {
		company = flag.Value.String()
	}
	switch named := namedFlow(cmd, args, flows); {
	case company != "":
		if len(companies) > 0 && !slices.Contains(companies, company) {
			return usageError(cmd, text.Errorf("no flow names the company %q; the companies are: %s", company, strings.Join(slices.DeleteFunc(companies, func(name string) bool { return name == "" }), ", ")))
		}
		chosen.all = false
	case named != nil:
		company = named.Company
	case len(companies) == 1:
		company = companies[0]
	case len(companies) > 1:
		chosen.several = companies
	case folderErr != nil && environment.HasCompanies():
		chosen.unknown = folderErr
	}
	chosen.environment = environment.Of(company)
	cmd.SetContext(context.WithValue(cmd.Context(), scopeKey{}, chosen))
	return nil
}

// namedFlow is the flow that a command names by its flag, an argument, or a part of a workflow
// id; nil if there is none.
func namedFlow(cmd *cobra.Command, args []string, flows flow.Flows) *flow.Flow {
	if flag := cmd.Flags().Lookup("flow"); flag != nil && flag.Changed {
		return flows[flag.Value.String()]
	}
	for _, arg := range args {
		for part := range strings.SplitSeq(arg, "/") {
			if f, ok := flows[part]; ok {
				return f
			}
		}
	}
	return nil
}

// oneCompany refuses a command that is about one company if it can't be told which.
func oneCompany(cmd *cobra.Command) error {
	chosen := scopeOf(cmd.Context())
	several := chosen.several
	if len(several) == 0 {
		return chosen.known()
	}
	names := strings.Join(slices.DeleteFunc(slices.Clone(several), func(name string) bool { return name == "" }), ", ")
	return usageError(cmd, text.Errorf("there are several companies (%s): choose with --company, or with --flow where the command has it", names))
}

// known refuses a command that changes something if the flows that name its company can't be
// read: a hold on another company's task queue would hold nothing.
func (s scope) known() error {
	if s.unknown == nil {
		return nil
	}
	return text.Errorf("there are settings of a company, but the flows that name the companies can't be read; choose the company with --company, or mend the flows: %w", s.unknown)
}

// flowsOf are the flows of the folder, of the chosen company alone if there is one.
func flowsOf(ctx context.Context) (config.Worker, flow.Flows, error) {
	chosen := scopeOf(ctx)
	settings, err := chosen.environment.LoadWorker()
	if err != nil {
		return settings, nil, err
	}
	flows, err := flowfile.LoadFolder(settings.Flows)
	if err == nil && !chosen.all {
		flows = flows.OfCompany(chosen.environment.Company())
	}
	return settings, flows, err
}

// companiesOf are the companies of flows; that of the settings if there is no flow.
func companiesOf(settings config.Worker, flows flow.Flows) (taskQueues map[string]flow.Flows) {
	taskQueues = map[string]flow.Flows{}
	for _, name := range flows.Companies() {
		taskQueues[settings.TaskQueueOf(name)] = flows.OfCompany(name)
	}
	if len(taskQueues) == 0 {
		taskQueues[settings.TaskQueue] = flow.Flows{}
	}
	return taskQueues
}

// queueOf is the task queue of a flow of the folder, or for another flow that of the settings.
func queueOf(settings config.Worker, flows flow.Flows, name string) string {
	if f, ok := flows[name]; ok {
		return settings.TaskQueueOf(f.Company)
	}
	return settings.TaskQueue
}

// sortedNames are the names of flows.
func sortedNames(flows flow.Flows) []string { return slices.Sorted(maps.Keys(flows)) }
