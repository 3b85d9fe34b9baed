namespace Microsoft.ML.Reversible.Tests.Fuzzing;

/// <summary>Files of the zero-shot benchmarks, one of each form, and their labels.</summary>
internal static class BenchmarkTarget
{
    private static readonly (string Task, string File, string Text)[] _files =
    [
        ("piqa", "valid.jsonl", """{"goal":"g","sol1":"a","sol2":"b"}""" + "\n" + """{"goal":"h","sol1":"é","sol2":""}"""),
        ("piqa", "queries.jsonl", """{"query":"Question: g\n","choices":["a","b"],"gold":1}"""),
        ("arc_easy", "arc.jsonl", """{"question":{"stem":"q","choices":[{"text":"a","label":"1"}]},"answerKey":"1"}"""),
        ("arc_challenge", "lists.jsonl", """{"question":"q","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"B"}"""),
        ("openbookqa", "book.tsv", "Question Stem\tChoices\tAnswer Key\nq\t(A) a (B) b (C) c (D) d\tD"),
        ("winogrande", "grande.jsonl", """{"sentence":"so _ w","option1":"a","option2":"b","answer":"1"}"""),
        ("winogrande", "contexts.jsonl", """{"context_options":["a","b"],"continuation":"c","gold":0}"""),
        ("hellaswag", "swag.jsonl", """{"activity_label":"l","ctx_a":"[x] a","ctx_b":"b","endings":["c","d"],"label":"1"}"""),
        ("lambada_openai", "lambada.jsonl", """{"text":"a b"}"""),
        ("mmlu_anatomy", "anatomy_test.csv", "\"q\n,\"\"r\"\"\",1,2,3,4,A\nx,1,2,3,4,B"),
    ];

    public static FuzzTarget Target { get; } =
        new("benchmark files", Make, Load, typeof(InvalidDataException), typeof(FileNotFoundException));

    private static void Make(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach ((_, string file, string text) in _files) File.WriteAllText(Path.Combine(folder, file), text);
        File.WriteAllText(Path.Combine(folder, "valid-labels.lst"), "0\n1\n");
    }

    private static void Load(string folder)
    {
        var ml = new MLContext(seed: 1);
        foreach ((string name, string file, _) in _files)
        {
            ZeroShotTask task = ZeroShotTasks.Named(name);
            foreach (ZeroShotItem item in task.Items(ml.Reversible().LoadZeroShot(task, Path.Combine(folder, file))))
                Assert.IsLessThan(item.ChoiceCount, item.Gold);
        }
    }
}
