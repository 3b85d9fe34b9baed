using Microsoft.ML;
using Microsoft.ML.Reversible;
using Spectre.Console;

namespace Quickstart;

/// <summary>The output of the sample.</summary>
internal static class Screen
{
    public static void ShowResult(ReversibleLmTransformer model)
    {
        LanguageMetrics metrics = model.Metrics!;
        var curve = new Table().Title("Training")
            .AddColumns("step", "training loss", "validation loss", "perplexity", "learning rate");
        foreach (TrainingProgress p in metrics.History.Where(p => p.Step == 1 || p.ValidationLoss is not null))
        {
            curve.AddRow(
                $"{p.Step}", $"{p.Loss:F3}",
                p.ValidationLoss is { } v ? $"{v:F3}" : "",
                p.ValidationLoss is { } w ? $"{Math.Exp(w):F2}" : "",
                $"{p.LearningRate:0.0e0}");
        }
        Output.Console.Write(curve);
        LanguageModelConfiguration shape = model.Configuration;
        Output.Console.MarkupLineInterpolated(
            $"{shape.ParameterCount:N0} parameters, scheme {model.Scheme}, vocabulary {shape.VocabularySize}, on {model.Network.Device}");
        double seconds = metrics.Elapsed.TotalSeconds, peak = metrics.PeakHostMemory / 1048576.0;
        Output.Console.MarkupLineInterpolated(
            $"{metrics.Tokens:N0} tokens in {seconds:F0} s, {metrics.TokensPerSecond:N0} tokens/s, peak host memory {peak:F0} MiB");
        Output.Console.WriteLine();
    }

    public static void ShowScores(PredictionEngine<TextRow, ScoredRow> engine, params string[] texts)
    {
        var table = new Table().Title("Two sentences").AddColumns("text", "tokens", "log-likelihood", "perplexity");
        foreach (string text in texts)
        {
            ScoredRow row = engine.Predict(new TextRow { Text = text });
            table.AddRow(Markup.Escape(text), $"{row.TokenCount}", $"{row.LogLikelihood:F1}", $"{row.Perplexity:F1}");
        }
        Output.Console.Write(table);
        Output.Console.WriteLine();
    }

    public static void ShowText(string text) => Output.Console.Write(new Padder(new Text(text), new Padding(2, 0, 0, 1)));

    /// <summary>
    /// Compares the log-likelihood of a row under the trained model and the two loaded ones. The loaded models compute on the CPU in
    /// float32, so they agree to the bit with a model trained there, and within rounding with others.
    /// </summary>
    public static void ShowSaved(string folder, TextRow row, MLContext ml, params ITransformer[] models)
    {
        float[] scores = [.. models.Select(model => Score(ml, model, row))];
        if (scores.Any(score => Math.Abs(score - scores[0]) > 0.02 * Math.Abs(scores[0])))
            throw new InvalidOperationException("A loaded model computes a different log-likelihood.");
        Output.Console.MarkupLineInterpolated($"Saved to {folder}");
        string listed = string.Join(" / ", scores.Select(s => s.ToString("F4")));
        Output.Console.MarkupLineInterpolated($"Log-likelihood of a sentence, trained / loaded zip / loaded folder: {listed}");
    }

    private static float Score(MLContext ml, ITransformer model, TextRow row)
    {
        IDataView scored = model.Transform(ml.Data.LoadFromEnumerable([row]));
        return ml.Data.CreateEnumerable<ScoredRow>(scored, reuseRowObject: false).Single().LogLikelihood;
    }
}
