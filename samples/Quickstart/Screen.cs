using Microsoft.ML;
using Microsoft.ML.Reversible;
using Spectre.Console;

namespace Quickstart;

/// <summary>The output of the sample.</summary>
internal static class Screen
{
    /// <summary>Runs a training with a progress bar.</summary>
    public static ReversibleLmTransformer ShowProgress(Func<IProgress<TrainingProgress>, ReversibleLmTransformer> train)
    {
        var columns = new ProgressColumn[]
        {
            new TaskDescriptionColumn { Alignment = Justify.Left },
            new ProgressBarColumn(),
            new PercentageColumn(),
            new RemainingTimeColumn(),
        };
        return AnsiConsole.Progress().HideCompleted(false).Columns(columns).Start(context =>
        {
            ProgressTask bar = context.AddTask("reading text");
            ReversibleLmTransformer model = train(new Bar(bar));
            bar.Value = bar.MaxValue;
            return model;
        });
    }

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
        AnsiConsole.Write(curve);
        LanguageModelConfiguration shape = model.Configuration;
        AnsiConsole.MarkupLineInterpolated(
            $"{shape.ParameterCount:N0} parameters, scheme {model.Scheme}, vocabulary {shape.VocabularySize}, on {model.Network.Device}");
        double seconds = metrics.Elapsed.TotalSeconds, peak = metrics.PeakHostMemory / 1048576.0;
        AnsiConsole.MarkupLineInterpolated(
            $"{metrics.Tokens:N0} tokens in {seconds:F0} s, {metrics.TokensPerSecond:N0} tokens/s, peak host memory {peak:F0} MiB");
        AnsiConsole.WriteLine();
    }

    public static void ShowScores(PredictionEngine<TextRow, ScoredRow> engine, params string[] texts)
    {
        var table = new Table().Title("Two sentences").AddColumns("text", "tokens", "log-likelihood", "perplexity");
        foreach (string text in texts)
        {
            ScoredRow row = engine.Predict(new TextRow { Text = text });
            table.AddRow(Markup.Escape(text), $"{row.TokenCount}", $"{row.LogLikelihood:F1}", $"{row.Perplexity:F1}");
        }
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine();
    }

    public static void ShowText(string text) => AnsiConsole.Write(new Padder(new Text(text), new Padding(2, 0, 0, 1)));

    /// <summary>
    /// Compares the log-likelihood of a row under the trained model and the two loaded ones. The loaded models compute on the CPU in
    /// float32, so they agree to the bit with a model trained there, and within rounding with others.
    /// </summary>
    public static void ShowSaved(string folder, TextRow row, MLContext ml, params ITransformer[] models)
    {
        float[] scores = [.. models.Select(model => Score(ml, model, row))];
        if (scores.Any(score => Math.Abs(score - scores[0]) > 0.02 * Math.Abs(scores[0])))
            throw new InvalidOperationException("A loaded model computes a different log-likelihood.");
        AnsiConsole.MarkupLineInterpolated($"Saved to {folder}");
        string listed = string.Join(" / ", scores.Select(s => s.ToString("F4")));
        AnsiConsole.MarkupLineInterpolated($"Log-likelihood of a sentence, trained / loaded zip / loaded folder: {listed}");
    }

    private static float Score(MLContext ml, ITransformer model, TextRow row)
    {
        IDataView scored = model.Transform(ml.Data.LoadFromEnumerable([row]));
        return ml.Data.CreateEnumerable<ScoredRow>(scored, reuseRowObject: false).Single().LogLikelihood;
    }

    private sealed class Bar(ProgressTask task) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress p)
        {
            task.MaxValue = p.MaxSteps;
            task.Value = p.Step;
            task.Description = $"step {p.Step}, loss {p.Loss:F3}, {p.UnitsPerSecond:N0} {p.Unit}/s";
        }
    }
}
