using System.CommandLine;
using System.Diagnostics;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Measures every conversion of one teacher, before and after distillation, on held-out text.</summary>
internal static class RetrofitTable
{
    private const string Schemes =
        "blend:2 blend:4 blend:8 blend:16 blend:32 iterated-inverse:a=0.5 iterated-inverse:a=0.25 iterated-inverse:a=1 "
        + "iterated-inverse:a=-1 midpoint leapfrog bdia";

    public static System.CommandLine.Command Command()
    {
        var teacher = new Argument<string>("teacher") { Description = "The folder of the trained model." };
        var text = new Argument<FileInfo>("text") { Description = "Stories, each followed by a line break." };
        var tokenizer = new Option<string?>("--tokenizer");
        var schemes = new Option<string[]>("--schemes")
        {
            DefaultValueFactory = _ => Schemes.Split(' '), AllowMultipleArgumentsPerToken = true,
        };
        var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 2000, Description = "Distillation steps; 0 only converts." };
        var batch = new Option<int>("--batch") { DefaultValueFactory = _ => 16 };
        var context = new Option<int>("--context") { DefaultValueFactory = _ => 256 };
        var rate = new Option<double>("--rate") { DefaultValueFactory = _ => 1e-3 };
        var prompt = new Option<string?>("--prompt") { Description = "A text that every student continues greedily." };
        var endOfText = new Option<int?>("--end-of-text") { Description = "Id between stories. Default: that of the tokenizer." };
        var given = new Option<bool>("--as-given") { Description = "Uses the step sizes of the schemes instead of searching." };
        var device = new Option<string?>("--device");
        var command = new System.CommandLine.Command(
            "retrofit", "Measures every conversion of one teacher, before and after distillation, as a Markdown table.")
        {
            teacher, text, tokenizer, schemes, steps, batch, context, rate, prompt, endOfText, given, device,
        };
        command.SetAction(p =>
        {
            Console.WriteLine(
                "| conversion | bits | KL before | top-1 | nats | KL after | top-1 | nats | beyond the teacher | seconds |\n" +
                "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
            foreach (string scheme in p.GetValue(schemes)!)
            {
                var ml = new MLContext(seed: 1) { FallbackToCpu = false };
                IDataView rows = Stories.View(ml, Stories.Read(p.GetRequiredValue(text)));
                var options = new RetrofitEstimator.Options
                {
                    TeacherPath = p.GetRequiredValue(teacher), Scheme = Scheme.Parse(scheme), ReportWindows = int.MaxValue,
                    Distill = p.GetValue(steps) > 0,
                };
                if (options.Scheme is Midpoint or Leapfrog) options.SearchStepSize = !p.GetValue(given);
                (options.TokenizerPath, options.Device) = (p.GetValue(tokenizer), p.GetValue(device));
                options.EndOfTextId = p.GetValue(endOfText);
                (options.BatchSize, options.ContextLength) = (p.GetValue(batch), p.GetValue(context));
                if (options.Distill == true)
                {
                    (options.LearningRate, options.FinalLearningRate, options.Seed) = (p.GetValue(rate), p.GetValue(rate) / 100, 1);
                    (options.MaxSteps, options.WarmupSteps, options.EvaluationInterval) =
                        (p.GetValue(steps), p.GetValue(steps) / 20, p.GetValue(steps));
                }
                var watch = Stopwatch.StartNew();
                using ReversibleLmTransformer student = ml.Reversible().Retrofit(options).Fit(rows);
                RetrofitReport report = student.Retrofit!;
                RetrofitAgreement before = report.Before, after = report.After ?? before;
                Console.WriteLine(
                    $"| {student.Scheme} | {report.BytesPerActivation * 8} | {before.KlPerToken:G3} | {before.Top1Agreement:F3} | " +
                    $"{before.StudentLoss:F4} | {after.KlPerToken:G3} | {after.Top1Agreement:F3} | {after.StudentLoss:F4} | " +
                    $"{after.StudentLoss - after.TeacherLoss:F4} | {watch.Elapsed.TotalSeconds:F0} |");
                if (p.GetValue(prompt) is { } beginning)
                    Console.Error.WriteLine($"{scheme}: {student.Generate(beginning, maxTokens: 100, temperature: 0)}");
            }
        });
        return command;
    }
}
