using System.Text.Json;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>A task on a file of the tests' data, as the product reads it and as the reference does.</summary>
/// <param name="Name">Its name in the tests.</param>
/// <param name="Task">The product's task, examples included.</param>
/// <param name="Questions">The product's data.</param>
/// <param name="Plain">The reference's items, examples included.</param>
internal sealed record ComparedTask(string Name, ZeroShotTask Task, IDataView Questions, PlainQuestion[] Plain)
{
    /// <summary>The tasks that have a file, except MMLU's subjects.</summary>
    public static readonly string[] Names =
    [
        "piqa", "piqa of queries", "piqa, 2 shots", "arc_easy", "arc_easy, 3 shots", "arc_challenge", "openbookqa", "openbookqa of queries",
        "winogrande", "winogrande, 2 shots", "lambada_openai",
    ];

    /// <summary>Reads a task of <see cref="Names"/>.</summary>
    public static ComparedTask Read(MLContext ml, string name)
    {
        string file = PathOf(name);
        int shots = name.Split(", ") is [_, var count] ? count[0] - '0' : 0;
        ZeroShotTask task = ZeroShotTasks.Named(name.Split([", ", " "], default)[0]);
        PlainQuestion[] plain = PlainOf(name, file);
        IDataView questions = ml.Reversible().LoadZeroShot(task, file);
        if (shots == 0) return new(name, task, questions, plain);

        // The last rows are the examples of all before them.
        int kept = plain.Length - shots;
        return new(
            name, task.FewShot(shots, ml.Data.SkipRows(questions, kept)), ml.Data.TakeRows(questions, kept),
            [.. plain[..kept].Select(question => question.After("", plain[kept..]))]);
    }

    /// <summary>Reads a subject of MMLU whose answers are letters.</summary>
    public static ComparedTask Mmlu(MLContext ml, string subject, int shots)
    {
        string test = TestData.Require($"mmlu/test/{subject}_test.csv"), dev = TestData.Require($"mmlu/dev/{subject}_dev.csv");
        ZeroShotTask task = ZeroShotTasks.Named($"mmlu_{subject}");
        PlainQuestion[] examples = [.. PlainTasks.Mmlu(dev).Take(shots)];
        if (shots > 0) task = task.FewShot(examples.Length, ml.Reversible().LoadZeroShot(task, dev));
        string description = PlainTasks.MmluDescription(subject);
        return new(
            $"mmlu_{subject}, {shots} shots", task, ml.Reversible().LoadZeroShot(task, test),
            [.. PlainTasks.Mmlu(test).Select(question => question.After(description, examples))]);
    }

    /// <summary>Reads a subject of MMLU whose answers are texts.</summary>
    public static ComparedTask MmluContinuation(MLContext ml, string subject)
    {
        string test = TestData.Require($"mmlu/test/{subject}_test.csv");
        ZeroShotTask task = ZeroShotTasks.Named($"mmlu_{subject}_continuation");
        string description = PlainTasks.MmluContinuationDescription(subject);
        return new(
            task.Name, task, ml.Reversible().LoadZeroShot(task, test),
            [.. PlainTasks.MmluContinuation(test).Select(question => question.After(description, []))]);
    }

    /// <summary>Writes and reads invented rows of HellaSwag in the published form, with the markup that is removed.</summary>
    public static ComparedTask HellaSwag(MLContext ml, string path)
    {
        string[] labels = ["Making a kite", "Washing dishes", "Food and Entertaining"];
        string[] starts = ["A boy holds a stick and some paper. ", "[header] How to dry plates [title] Use a cloth", " He  sings a  song."];
        string[] ends = ["he", "The Man in the KITCHEN", ""];
        File.WriteAllLines(path, Enumerable.Range(0, 9).Select(i => JsonSerializer.Serialize(new
        {
            ind = i,
            activity_label = labels[i % 3],
            ctx_a = starts[i / 3],
            ctx_b = ends[(i + i / 3) % 3],
            endings = new[]
            {
                "ties a string to it. ", "[substeps] runs to the park [title] and flies it.", "eats  a big   red ball.",
                $"sleeps for {i} days.",
            },
            label = $"{i % 4}",
        })));
        ZeroShotTask task = ZeroShotTasks.HellaSwag;
        return new(task.Name, task, ml.Reversible().LoadZeroShot(task, path), PlainTasks.HellaSwag(path));
    }

    /// <summary>The same task with its first items only.</summary>
    public ComparedTask Take(MLContext ml, int count) =>
        this with { Questions = ml.Data.TakeRows(Questions, count), Plain = [.. Plain.Take(count)] };

    private static string PathOf(string name) => name.Split(", ")[0] switch
    {
        "piqa" => TestData.Require("piqa/valid.jsonl"),
        "piqa of queries" => TestData.Require("eval/piqa.jsonl"),
        "openbookqa" => TestData.Require("openbookqa/test.tsv"),
        "openbookqa of queries" => TestData.Require("eval/openbook_qa.jsonl"),
        var task => TestData.Require($"eval/{task}.jsonl"),
    };

    private static PlainQuestion[] PlainOf(string name, string file) => name.Split(", ")[0] switch
    {
        "piqa" => PlainTasks.Piqa(file, Path.Combine(Path.GetDirectoryName(file)!, "valid-labels.lst")),
        "piqa of queries" => PlainTasks.Queries(file, "Answer:"),
        "openbookqa" => PlainTasks.OpenBookQa(file),
        "openbookqa of queries" => PlainTasks.Queries(file, ""),
        "winogrande" => PlainTasks.WinoGrande(file),
        "lambada_openai" => PlainTasks.Lambada(file),
        _ => PlainTasks.Queries(file, "\nAnswer:"),
    };
}
