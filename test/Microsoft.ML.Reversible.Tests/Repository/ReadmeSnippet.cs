using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The README's programs. What stands between the markers is compared with the README and run.</summary>
internal static class ReadmeSnippet
{
    private sealed class Story
    {
        [LoadColumn(0)]
        public string Text { get; set; } = "";
    }

    public static ReversibleLmTransformer Train(string path, string folder)
    {
        // <snippet>
        var ml = new MLContext(seed: 1);
        IDataView stories = ml.Data.LoadFromTextFile<Story>(path);          // one story per line
        ReversibleLmTransformer model = ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            Scheme = Scheme.Midpoint, LayerCount = 4, HeadCount = 4, Width = 64, ContextLength = 64, VocabularySize = 400,
            BatchSize = 16, MaxSteps = 300, LearningRate = 3e-3,
        }).Fit(stories);
        Console.WriteLine($"held-out perplexity {model.Metrics!.ValidationPerplexity:F1}");
        Console.WriteLine(model.Generate("Once upon a time", maxTokens: 60, temperature: 0.8, seed: 1));
        model.SavePretrained(folder);                                        // Hugging Face's layout
        // </snippet>
        return model;
    }

    public static RetrofitReport Retrofit(MLContext ml, IDataView stories, string gpt2, string folder)
    {
        // <snippet>
        RetrofitEstimator retrofit = ml.Reversible().Retrofit(teacherPath: gpt2, contextLength: 32, maxSteps: 20);
        using ReversibleLmTransformer student = retrofit.Fit(stories);
        Console.WriteLine(student.Retrofit);                                 // the distance to the teacher, before and after distillation
        student.SavePretrained(Path.Combine(folder, "student"));
        // </snippet>
        return student.Retrofit!;
    }
}
