using Microsoft.ML.Data;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The programs of docs/models.md. What stands between the markers is compared with the page and run.</summary>
internal static class ModelSnippets
{
    public static ReversibleLmTransformer Load(MLContext ml, string folder)
    {
        // <snippet>
        ReversibleLmTransformer model = ml.Reversible().LoadPretrained(folder);
        Console.WriteLine($"{model.Configuration.Family}, {model.Configuration.ParameterCount:N0} parameters, {model.Scheme}");
        model.SavePretrained(folder + "-half", WeightPrecision.BFloat16, maxShardBytes: 1_000_000_000);
        // </snippet>
        return model;
    }

    public static string[] LoadWithTokenizer(MLContext ml, string folder, string tokenizers, Tokenizer tokenizer)
    {
        // <snippet>
        using ReversibleLmTransformer fromFiles = ml.Reversible().LoadPretrained(folder, tokenizerPath: tokenizers);
        using ReversibleLmTransformer fromInstance = ml.Reversible().LoadPretrained(folder, tokenizer);
        using ReversibleLmTransformer withoutText = ml.Reversible().LoadPretrained(folder);
        IReadOnlyList<int> next = withoutText.GenerateIds([1, 2, 3], new GenerationOptions { MaxTokens = 8 });
        // </snippet>
        return [fromFiles.Generate("the", maxTokens: 5), fromInstance.Generate("the", maxTokens: 5), string.Join(' ', next)];
    }

    public static (ITransformer Any, ITransformer Scoring, ITransformer Live) Zips(
        MLContext ml, ReversibleLmTransformer model, IDataView data, string folder)
    {
        // <snippet>
        string any = Path.Combine(folder, "any-size.zip"), plain = Path.Combine(folder, "plain.zip");
        ml.Reversible().Save(model, data.Schema, any);                     // or a chain that holds models
        ITransformer loaded = ml.Reversible().Load(any, out DataViewSchema? schema);
        ml.Model.Save(model, data.Schema, plain);                          // up to 64 MiB of weights
        ITransformer scoring = ml.Model.Load(plain, out _);                // ML.NET's own transformers
        ITransformer live = ml.Reversible().Rehydrate(scoring);            // a ReversibleLmTransformer again
        // </snippet>
        return (loaded, scoring, live);
    }

    public static IEstimator<ITransformer> Apply(MLContext ml, ReversibleLmTransformer model)
    {
        // <snippet>
        var columns = new LanguageModelScoringEstimator.Options
        {
            TokenCountKind = DataKind.Single,        // as Concatenate needs it beside the other columns; Int32 by default
            EmbeddingColumnName = "Embedding",       // a vector of the network's width; none by default
            EmbeddingPooling = EmbeddingPooling.Mean // over the text's tokens, or Last
        };
        var pipeline = ml.Reversible().ApplyLanguageModel(model, columns)
            .Append(ml.Transforms.Concatenate("Features", "LogLikelihood", "TokenCount", "Perplexity", "Embedding"))
            .Append(ml.Transforms.NormalizeMeanVariance("Features"))
            .Append(ml.BinaryClassification.Trainers.SdcaLogisticRegression());
        // </snippet>
        return pipeline;
    }

    public static async Task<(string Text, IReadOnlyList<string> Texts)> Generate(
        ReversibleLmTransformer model, CancellationToken cancellationToken)
    {
        // <snippet>
        var options = new GenerationOptions { MaxTokens = 60, Temperature = 0.8, TopP = 0.95, StopStrings = ["The end"], Seed = 7 };
        string text = model.Generate("Once upon a time", options);                       // the prompt and its continuation
        IReadOnlyList<string> texts = model.Generate(["the red", "the blue"], options);  // together, each with its own draws
        await foreach (string piece in model.GenerateAsync("Once upon a time", options, cancellationToken)) Console.Write(piece);
        // </snippet>
        return (text, texts);
    }
}
