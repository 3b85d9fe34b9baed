using System.CommandLine;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Compares fine-tuning on little text with and without BDIA's random signs: the lowest and the last validation loss over several seeds.
/// arXiv 2407.09093 claims an advantage for BDIA.
/// </summary>
internal static class BdiaFineTuning
{
    public static System.CommandLine.Command Command()
    {
        var teacher = new Argument<string>("teacher") { Description = "The folder of the trained model." };
        var text = new Argument<FileInfo>("text") { Description = "Stories, each followed by a line break." };
        var tokenizer = new Option<string?>("--tokenizer");
        var stories = new Option<int>("--stories") { DefaultValueFactory = _ => 200, Description = "Number of stories to train on." };
        var heldOut = new Option<double>("--held-out")
        {
            DefaultValueFactory = _ => 0.1, Description = "Fraction of all stories, from the last, to validate on.",
        };
        var endOfText = new Option<int?>("--end-of-text");
        var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 600 };
        var rates = new Option<double[]>("--rates") { DefaultValueFactory = _ => [1e-3, 3e-4], AllowMultipleArgumentsPerToken = true };
        var seeds = new Option<int>("--seeds") { DefaultValueFactory = _ => 5 };
        var device = new Option<string?>("--device");
        var command = new System.CommandLine.Command(
            "bdia-fine-tuning", "Compares fine-tuning on little text with and without BDIA, as a Markdown table.")
        {
            teacher, text, tokenizer, stories, heldOut, steps, rates, seeds, device, endOfText,
        };
        command.SetAction(p =>
        {
            string[] all = Stories.Read(p.GetRequiredValue(text));
            string[] held = all[^(int)(all.Length * p.GetValue(heldOut))..], few = all[..p.GetValue(stories)];
            // The trainer holds out the last part of the tokens; characters approximate tokens here.
            double fraction = (double)Characters(held) / (Characters(held) + Characters(few));
            Console.WriteLine(
                "| learning rate | scheme | lowest validation loss | at step | last | training loss |\n" +
                "| --- | --- | --- | --- | --- | --- |");
            foreach (double rate in p.GetValue(rates)!)
                foreach (Scheme scheme in new[] { Scheme.Residual, Scheme.Bdia })
                {
                    LanguageMetrics[] runs = [.. Enumerable.Range(1, p.GetValue(seeds)).Select(seed =>
                        Tune(p.GetRequiredValue(teacher), scheme, [.. few, .. held], o =>
                        {
                            (o.TokenizerPath, o.EndOfTextId) = (p.GetValue(tokenizer), p.GetValue(endOfText));
                            (o.Device, o.Seed) = (p.GetValue(device), seed);
                            (o.LearningRate, o.FinalLearningRate, o.MaxSteps) = (rate, rate / 10, p.GetValue(steps));
                            (o.ValidationFraction, o.EvaluationInterval, o.EvaluationBatches) = (fraction, p.GetValue(steps) / 20, 1000);
                        }))];
                    double[] best = [.. runs.Select(m => m.History.Min(h => h.ValidationLoss ?? double.MaxValue))];
                    double at = runs.Average(m => m.History.MinBy(h => h.ValidationLoss ?? double.MaxValue)!.Step);
                    double[] last = [.. runs.Select(m => m.ValidationLoss!.Value)], training = [.. runs.Select(m => m.History[^1].Loss)];
                    Console.WriteLine(
                        $"| {rate} | {scheme.Name} | {Spread(best)} | {at:F0} | {Spread(last)} | {Spread(training)} |");
                }
        });
        return command;
    }

    private static LanguageMetrics Tune(string teacher, Scheme scheme, string[] rows, Action<ReversibleLmTrainer.Options> change)
    {
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("bdia-");
        try
        {
            var options = new ReversibleLmTrainer.Options { BatchSize = 8, ContextLength = 256, WarmupSteps = 20, WeightDecay = 0.1 };
            change(options);
            IDataView data = Stories.View(ml, rows);
            using (ReversibleLmTransformer loaded = ml.Reversible().LoadPretrained(teacher, tokenizerPath: options.TokenizerPath))
            {
                if (scheme is Residual)
                {
                    loaded.SavePretrained(scratch.FullName + "/model");
                }
                else
                {
                    var convert = new RetrofitEstimator.Options { Teacher = loaded, Scheme = scheme, Distill = false };
                    (convert.ContextLength, convert.ValidationFraction) = (256, options.ValidationFraction);
                    using ReversibleLmTransformer student = ml.Reversible().Retrofit(convert).Fit(data);
                    student.SavePretrained(scratch.FullName + "/model");
                }
            }
            (options.PretrainedFolder, options.TokenizerPath) = (scratch.FullName + "/model", null);
            using ReversibleLmTransformer tuned = ml.Reversible().LanguageModel(options).Fit(data);
            return tuned.Metrics!;
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    private static long Characters(string[] rows) => rows.Sum(row => (long)row.Length);

    private static string Spread(double[] values)
    {
        double mean = values.Average();
        double deviation = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / Math.Max(1, values.Length - 1));
        return $"{mean:F4} ± {deviation:F4}";
    }
}
