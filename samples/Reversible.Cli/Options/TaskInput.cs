using System.CommandLine;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>A task, or the tasks of a group, with their data.</summary>
/// <param name="Name">The name as typed.</param>
/// <param name="IsGroup">Whether to report the tasks together.</param>
/// <param name="Tasks">The tasks, including their examples, and their questions.</param>
internal sealed record TaskData(string Name, bool IsGroup, IReadOnlyList<(ZeroShotTask Task, IDataView Questions)> Tasks);

/// <summary>The options for zero-shot tasks, their files and their examples.</summary>
internal sealed class TaskInput
{
    private readonly Option<string[]> _tasks = new("--task")
    {
        Description = "A task of lm-evaluation-harness and its file in the published layout; repeat the option for several "
            + $"tasks. The tasks are {string.Join(", ", Singles())}, the groups {string.Join(" and ", Groups())}, whose path is a folder "
            + $"with a file for each task, and a group's tasks, such as {ZeroShotTasks.InGroup(Groups().First())[0].Name}.",
        HelpName = "NAME=PATH",
        Required = true,
    };

    private readonly Option<int> _shots = new("--num-fewshot")
    {
        Description = "Number of examples before each question, the first ones of --fewshot-data, at least 0. Default: 0.",
        HelpName = "N",
        CustomParser = OptionValue.Parse<int>,
    };

    private readonly Option<string[]> _examples = new("--fewshot-data")
    {
        Description = "The file or folder with the examples, as NAME=PATH if there are several tasks; it should differ from that of the "
            + "questions.",
        HelpName = "[NAME=]PATH",
    };

    private readonly Option<int?> _limit = new("--limit")
    {
        Description = "Evaluates only the first items of each task, at least 1. For tests: the result is not the task's.",
        HelpName = "N",
        CustomParser = OptionValue.Parse<int?>,
    };

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> Options => [_tasks, _shots, _examples, _limit];

    /// <summary>Reads the files of all tasks, so that errors are reported before the first evaluation.</summary>
    /// <exception cref="UsageException">The options do not name tasks and their data.</exception>
    public IReadOnlyList<TaskData> Read(MLContext ml, ParseResult parsed)
    {
        (string Name, string Path)[] typed = [.. parsed.GetValue(_tasks)!.Select(Pair)];
        if (typed.CountBy(task => task.Name).FirstOrDefault(task => task.Value > 1).Key is { } twice)
            throw new UsageException($"--task: '{twice}' is given twice.");
        int shots = parsed.GetValue(_shots);
        if (shots < 0) throw new UsageException($"--num-fewshot must be at least 0, not {shots}.");
        if (parsed.GetValue(_limit) is < 1 and { } limit) throw new UsageException($"--limit must be at least 1, not {limit}.");
        Dictionary<string, string> examples = Examples(parsed, [.. typed.Select(task => task.Name)]);
        if (shots > 0 && typed.FirstOrDefault(task => !examples.ContainsKey(task.Name)).Name is { } without)
            throw new UsageException($"--num-fewshot: the examples of '{without}' are missing; --fewshot-data {without}=PATH names them.");
        if (shots == 0 && examples.Count > 0) throw new UsageException("--fewshot-data has no effect without --num-fewshot.");

        return [.. typed.Select(task => Read(ml, task.Name, task.Path, shots, examples.GetValueOrDefault(task.Name), parsed))];
    }

    private TaskData Read(MLContext ml, string name, string path, int shots, string? examples, ParseResult parsed)
    {
        IReadOnlyList<ZeroShotTask> members = ZeroShotTasks.InGroup(name);
        bool isGroup = members.Count > 0;
        if (!isGroup) members = [Named(name)];
        if (!isGroup && members[0].Groups.Count == 0 && Directory.Exists(path))
            throw new UsageException($"--task: '{path}' is a folder. Name the file of '{name}' in it.");
        return new TaskData(name, isGroup, [.. members.Select(task => (WithExamples(task), Questions(task)))]);

        ZeroShotTask WithExamples(ZeroShotTask task)
        {
            if (shots == 0) return task;
            IDataView rows = ml.Reversible().LoadZeroShot(task, examples!);
            if (rows.GetRowCount() is { } count && count < shots)
                throw new UsageException($"--num-fewshot must be at most the {count} examples of '{task.Name}', not {shots}.");
            return task.FewShot(shots, rows);
        }

        IDataView Questions(ZeroShotTask task)
        {
            IDataView all = ml.Reversible().LoadZeroShot(task, path);
            return parsed.GetValue(_limit) is { } limit ? ml.Data.TakeRows(all, limit) : all;
        }
    }

    private static ZeroShotTask Named(string name) =>
        !IsTask(name) && Nearest.Of(name, ZeroShotTasks.Names.Concat(Groups())) is { } meant
            ? throw new UsageException($"--task: there is no task '{name}'; did you mean '{meant}'?")
            : ZeroShotTasks.Named(name);

    private Dictionary<string, string> Examples(ParseResult parsed, string[] tasks)
    {
        string[] typed = parsed.GetValue(_examples) ?? [];
        if (typed is [var path] && tasks is [var only] && !IsTask(path.Split('=')[0])) return new() { [only] = path };
        var examples = new Dictionary<string, string>();
        foreach ((string name, string file) in typed.Select(Pair))
        {
            if (!tasks.Contains(name)) throw new UsageException($"--fewshot-data: there is no --task '{name}'.");
            if (!examples.TryAdd(name, file)) throw new UsageException($"--fewshot-data: '{name}' is given twice.");
        }
        return examples;

        (string, string) Pair(string text) => TaskInput.Pair("--fewshot-data", text);
    }

    private static bool IsTask(string name) => ZeroShotTasks.Names.Contains(name) || ZeroShotTasks.InGroup(name).Count > 0;

    private static (string Name, string Path) Pair(string text) => Pair("--task", text);

    private static (string Name, string Path) Pair(string option, string text) =>
        text.Split('=', 2) is [{ Length: > 0 } name, { Length: > 0 } path]
            ? (name, path)
            : throw new UsageException($"{option} must be NAME=PATH, such as piqa=valid.jsonl, not '{text}'.");

    private static IEnumerable<string> Singles() =>
        ZeroShotTasks.Names.Where(name => ZeroShotTasks.Named(name).Groups.Count == 0);

    private static IEnumerable<string> Groups() =>
        ZeroShotTasks.Names.SelectMany(name => ZeroShotTasks.Named(name).Groups.Take(1)).Distinct();
}
