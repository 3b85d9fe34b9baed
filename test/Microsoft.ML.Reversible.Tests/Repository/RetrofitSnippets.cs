using System.Text;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The programs of docs/retrofit.md. What stands between the markers is compared with the page and run.</summary>
internal static class RetrofitSnippets
{
    internal sealed class TextRow
    {
        public string Text { get; set; } = "";
    }

    public static RetrofitReport Retrofit(string teacherFolder, string corpus, string studentFolder)
    {
        // <snippet>
        var ml = new MLContext(seed: 1);
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        IDataView texts = ml.Data.LoadFromEnumerable(File.ReadLines(corpus, utf8).Select(line => new TextRow { Text = line }));
        using ReversibleLmTransformer student = ml.Reversible().Retrofit(new RetrofitEstimator.Options
        {
            TeacherPath = teacherFolder,
            Scheme = Bdia.Blend(2),
            ContextLength = 16,
            MaxSteps = 60,
            LearningRate = 1e-3,
        }).Fit(texts);

        RetrofitReport report = student.Retrofit!;
        Console.WriteLine($"KL to the teacher, nats per token: {report.Before.KlPerToken:F4}, distilled {report.After!.KlPerToken:F4}");
        Console.WriteLine(student.Generate("the red", maxTokens: 20, temperature: 0));
        student.SavePretrained(studentFolder);
        // </snippet>
        return report;
    }

    public static RetrofitReport Choose(MLContext ml, ReversibleLmTransformer teacher, IDataView texts)
    {
        // <snippet>
        using ReversibleLmTransformer converted = ml.Reversible().Retrofit(new RetrofitEstimator.Options
        {
            Teacher = teacher,
            ChooseScheme = true,
            MaxRemainderGiB = 1e-5,
            MaxRelativeCost = 1,
            Distill = false,
            ContextLength = 16,
            BatchSize = 4,
        }).Fit(texts);
        Console.WriteLine(converted.Retrofit!.Reason);
        foreach (RetrofitCandidate candidate in converted.Retrofit.Candidates.Take(5))
            Console.WriteLine($"{candidate.Scheme}: {candidate.Agreement.KlPerToken:G3}, {candidate.BitsPerActivation} bits");
        // </snippet>
        return converted.Retrofit;
    }

    public static LanguageMetrics FineTune(MLContext ml, IDataView texts, string studentFolder)
    {
        // <snippet>
        using ReversibleLmTransformer tuned = ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            PretrainedFolder = studentFolder,
            FreezeEmbedding = true,
            FrozenLayerCount = 1,
            ContextLength = 16,
            MaxSteps = 10,
            LearningRate = 1e-4,
        }).Fit(texts);
        // </snippet>
        return tuned.Metrics!;
    }
}
