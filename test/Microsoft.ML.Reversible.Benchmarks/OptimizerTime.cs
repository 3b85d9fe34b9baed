using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Measures the time of an optimizer step without the backward pass: norm, clipping, update and setting the gradients to zero, with the
/// flat AdamW and with TorchSharp's AdamW after <c>clip_grad_norm_</c>.
/// </summary>
internal static class OptimizerTime
{
    private static readonly AdamWSettings Settings = new(Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, WeightDecay: 0.1);

    public static System.CommandLine.Command Command()
    {
        var layers = new Option<int>("--layers") { DefaultValueFactory = _ => 12 };
        var width = new Option<int>("--width") { DefaultValueFactory = _ => 256 };
        var vocabulary = new Option<int>("--vocabulary") { DefaultValueFactory = _ => 4096 };
        var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 50 };
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var command = new System.CommandLine.Command("optimizer", "Measures an optimizer step, flat and TorchSharp's, as a Markdown table.")
        {
            layers, width, vocabulary, steps, device
        };
        command.SetAction(p => Show(
            new GptConfiguration
            {
                VocabularySize = p.GetValue(vocabulary),
                ContextLength = 256,
                LayerCount = p.GetValue(layers),
                HeadCount = 4,
                Width = p.GetValue(width),
            },
            p.GetValue(steps), torch.device(p.GetValue(device)!)));
        return command;
    }

    private static void Show(GptConfiguration shape, int steps, Device device)
    {
        double[] flat = Flat(shape, steps, device), plain = TorchSharps(shape, steps, device);
        Console.WriteLine(
            $"{shape.LayerCount} layers, width {shape.Width}, {shape.ParameterCount:N0} parameters, {steps} steps on {device}, " +
            $"{get_num_threads()} threads; norm, clipping, update, gradients to zero");
        Console.WriteLine("| optimizer | median ms per step | fastest | ns per parameter |");
        Console.WriteLine("| --- | --- | --- | --- |");
        Row("flat AdamW", flat);
        Row("TorchSharp's AdamW, clip_grad_norm_", plain);

        void Row(string name, double[] times) => Console.WriteLine(
            $"| {name} | {Median(times):F2} | {times.Min():F2} | {Median(times) * 1e6 / shape.ParameterCount:F2} |");
    }

    private static double[] Flat(GptConfiguration shape, int steps, Device device)
    {
        using LanguageNetwork model = Model(shape, device);
        using var optimizer = LanguageTask.Optimizer(model, Settings, OptimizerPlacement.AfterBackward);
        return Time(model, steps, device, () =>
        {
            double norm = optimizer.GradNorm();
            optimizer.Step(1e-4, Math.Min(1, 1 / (norm + 1e-6)));
            optimizer.ZeroGradients();
        });
    }

    private static double[] TorchSharps(GptConfiguration shape, int steps, Device device)
    {
        using LanguageNetwork model = Model(shape, device);
        Parameter[] parameters = [.. model.parameters()];
        ILookup<bool, Parameter> isMatrix = parameters.ToLookup(p => p.dim() >= 2);
        using AdamW optimizer = optim.AdamW([Group(isMatrix[true], Settings.WeightDecay), Group(isMatrix[false], 0)]);
        using (no_grad())
        {
            foreach (Parameter parameter in parameters) parameter.grad = zeros_like(parameter);
        }
        return Time(model, steps, device, () =>
        {
            nn.utils.clip_grad_norm_(parameters, 1);
            optimizer.step();
            optimizer.zero_grad();
        });

        static AdamW.ParamGroup Group(IEnumerable<Parameter> parameters, double decay) =>
            new(parameters, 1e-4, Settings.Beta1, Settings.Beta2, Settings.Epsilon, decay);
    }

    private static LanguageNetwork Model(GptConfiguration shape, Device device) =>
        shape.Build(Scheme.Midpoint, BackwardMode.Reversible, Arithmetic.Float, Precision.Float32, device, seed: 1);

    /// <summary>Returns the milliseconds of each step except the first few.</summary>
    private static double[] Time(LanguageNetwork model, int steps, Device device, Action step)
    {
        const int warmup = 3;
        var times = new double[steps];
        for (int i = -warmup; i < steps; i++)
        {
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            foreach (Parameter parameter in model.parameters()) parameter.grad!.fill_(1e-3);
            Finish(device);
            long start = Stopwatch.GetTimestamp();
            step();
            Finish(device);
            if (i >= 0) times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        return times;
    }

    private static void Finish(Device device)
    {
        if (device.type == DeviceType.CUDA) cuda.synchronize(device);
    }

    private static double Median(double[] times) => times.Order().ElementAt(times.Length / 2);
}
