using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The README's programs. What stands between the markers is compared with the README and run.</summary>
internal static class ReadmeSnippet
{
    internal sealed class Story
    {
        public string Text { get; set; } = "";
    }

    public static (float Surprise, ITransformer Loaded) Run(IEnumerable<string> texts, string folder)
    {
        // <snippet>
        var ml = new MLContext(seed: 1);
        IDataView stories = ml.Data.LoadFromEnumerable(texts.Select(text => new Story { Text = text }));

        var trainer = ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            Scheme = Scheme.Midpoint,
            LayerCount = 4,
            HeadCount = 4,
            Width = 64,
            ContextLength = 32,
            Tokenization = TextTokenization.Byte,
            MaxSteps = 60,
            WarmupSteps = 10,
        });
        using ReversibleLmTransformer model = trainer.Fit(stories);

        Console.WriteLine($"held-out perplexity {model.Metrics!.ValidationPerplexity:F1}");
        Console.WriteLine(model.Generate("Once upon a time", maxTokens: 50, temperature: 0.8, seed: 1));

        IDataView scored = model.Transform(stories);                       // adds LogLikelihood, TokenCount, Perplexity
        float surprise = scored.GetColumn<float>("Perplexity").First();

        ml.Model.Save(model, stories.Schema, Path.Combine(folder, "model.zip"));
        ITransformer loaded = ml.Model.Load(Path.Combine(folder, "model.zip"), out _);

        model.SavePretrained(Path.Combine(folder, "pretrained"));          // Hugging Face's layout
        using ReversibleLmTransformer again = ml.Reversible().LoadPretrained(Path.Combine(folder, "pretrained"));
        // </snippet>
        return (surprise, loaded);
    }

    public static RetrofitReport Retrofit(MLContext ml, IDataView stories, string gpt2, string folder)
    {
        // <snippet>
        RetrofitEstimator retrofit = ml.Reversible().Retrofit(teacherPath: gpt2, contextLength: 32, maxSteps: 20);
        using ReversibleLmTransformer student = retrofit.Fit(stories);
        Console.WriteLine(student.Retrofit);                               // how far from the teacher, before and after distillation
        student.SavePretrained(Path.Combine(folder, "student"));
        // </snippet>
        return student.Retrofit!;
    }
}
