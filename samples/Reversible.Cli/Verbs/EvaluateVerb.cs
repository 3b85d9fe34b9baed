using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>Evaluates a model on zero-shot tasks.</summary>
internal sealed class EvaluateVerb : Verb
{
    private readonly ModelInput _model;
    private readonly TaskInput _tasks;
    private readonly SettingTable<ZeroShotEvaluator.Options> _settings;
    private readonly Option<string?> _items;
    private readonly Option<bool> _json;

    public EvaluateVerb(Terminal terminal) : this(terminal, new ModelInput(), new TaskInput(), Settings(), ItemLog(), JsonOption(
        "task, n, num_fewshot, acc, acc_stderr, acc_norm, acc_norm_stderr and seconds for each task, or its perplexities instead of "
        + "accuracies"))
    {
    }

    private EvaluateVerb(
        Terminal terminal, ModelInput model, TaskInput tasks, SettingTable<ZeroShotEvaluator.Options> settings, Option<string?> items,
        Option<bool> json)
        : base(
            terminal, "evaluate", "Evaluates a model on zero-shot tasks: PIQA, ARC, MMLU and others, as lm-evaluation-harness does.",
            "--model FOLDER --task NAME=PATH... [options]",
            [
                new OptionGroup("Model and tasks", [.. model.Options, .. tasks.Options]),
                .. settings.Groups,
                new OptionGroup("Output", [items, json]),
            ]) =>
        (_model, _tasks, _settings, _items, _json) = (model, tasks, settings, items, json);

    public override IReadOnlyList<(string What, string Command)> Examples =>
    [
        ("Two tasks, from the files as published (valid-labels.lst is in the same folder):",
            "evaluate --model model --task piqa=piqa/valid.jsonl --task arc_easy=arc/ARC-Easy-Test.jsonl"),
        ("All of MMLU with five examples, on a GPU:",
            "evaluate --model model --task mmlu=mmlu/test --num-fewshot 5 --fewshot-data mmlu/dev --device cuda --precision bfloat16"),
        ("Results as JSON lines, and a log of every item:",
            "evaluate --model model --task winogrande=dev.jsonl --item-log items.jsonl --json > results.jsonl"),
    ];

    /// <summary>The options that set properties of <see cref="ZeroShotEvaluator.Options"/>.</summary>
    public static SettingTable<ZeroShotEvaluator.Options> Settings() => new SettingTable<ZeroShotEvaluator.Options>()
        .Group("Computing")
        .Add(o => o.BatchTokens, "Maximum number of tokens in a batch, at least 1.", byDefault: "depends on the device");

    public override int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        bool json = parsed.GetValue(_json);
        MLContext ml = Context(parsed);
        IReadOnlyList<TaskData> tasks = _tasks.Read(ml, parsed);
        ZeroShotEvaluator.Options options = _settings.Read(parsed);
        options.CancellationToken = cancellationToken;
        bool single = tasks is [{ IsGroup: false }];
        string? items = parsed.GetValue(_items);
        if (single) OutputPath.CheckFile("--item-log", items);
        else OutputPath.CheckFolder("--item-log", items);
        if (items is not null && !single) Directory.CreateDirectory(items);
        using ReversibleLmTransformer model = _model.Load(ml, parsed);

        var screen = new EvaluationScreen(Terminal, json);
        try
        {
            foreach (TaskData group in tasks)
            {
                List<ZeroShotMetrics> members = [];
                foreach ((ZeroShotTask task, IDataView questions) in group.Tasks)
                {
                    options.ItemLogPath = items is null || single ? items : Path.Combine(items, task.Name + ".jsonl");
                    members.Add(screen.During(task, progress =>
                    {
                        options.Progress = progress;
                        return ml.Reversible().ZeroShot(model, task, options).Fit(questions).Evaluate(questions);
                    }));
                }
                if (group.IsGroup) screen.Add(ZeroShotMetrics.Combine(group.Name, members));
            }
        }
        finally
        {
            // What was evaluated before Ctrl+C or a failure is shown too.
            screen.ShowTable();
        }
        return ExitCode.Done;
    }

    private static Option<string?> ItemLog() => new("--item-log")
    {
        Description = "File for a log of all items, one line of JSON each; for several tasks a folder, with NAME.jsonl for each "
            + "task.",
        HelpName = "PATH",
    };
}
