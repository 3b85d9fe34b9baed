using System.Diagnostics;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Cli.Benchmark;

/// <summary>
/// Measures time and memory of training steps in this process: zeroing gradients, loss and gradients, AdamW. Gradients are not clipped,
/// and the loss is read only after the last step, so that no step waits for the device.
/// </summary>
internal static class StepMeasurement
{
    private const double LearningRate = 1e-4;

    // PyTorch's defaults, because the programs in the comparison use them.
    private static readonly AdamWSettings _adamW = new(Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01);

    /// <summary>Measures a configuration, or returns the reason why it cannot be measured.</summary>
    public static BenchRow Run(BenchConfiguration configuration, MLContext ml, CancellationToken cancellationToken)
    {
        BenchRow row = configuration.Row();
        if (configuration.Conflict is { } conflict) return row with { Conflict = conflict };
        try
        {
            return Measure(configuration, row, ml, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return MemoryShortage.IsNamedIn(e.ToString()) ? row with { OutOfMemory = true } : row with { Error = ExitCode.Describe(e) };
        }
    }

    private static BenchRow Measure(BenchConfiguration c, BenchRow row, MLContext ml, CancellationToken cancellationToken)
    {
        Device device = Resolve(c.Device, ml);
        var memory = new MemoryMeter(device);
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        long[] shape = [c.BatchSize, c.Model.ContextLength];
        Tensor ids = randint(0, c.Model.VocabularySize, shape, dtype: ScalarType.Int64, generator: random).to(device);
        Tensor targets = ids.flatten();
        Synchronize(device);
        long? atStart = Held(memory, device);

        using LanguageNetwork model = Build(c, device);
        model.Stack.KeptLayerCount = c.KeptLayerCount;
        model.Stack.Deterministic = c.Deterministic;
        using var optimizer = LanguageTask.Optimizer(model, _adamW, c.OptimizerPlacement);
        Step(model, optimizer, ids, targets, seed: 0).Dispose();
        Synchronize(device);

        var seconds = new double[c.Steps];
        Tensor? loss = null;
        for (int step = 0; step < c.Steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            loss?.Dispose();
            long start = Stopwatch.GetTimestamp();
            loss = Step(model, optimizer, ids, targets, seed: step + 1);
            Synchronize(device);
            seconds[step] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        double mean = seconds.Average();
        long trained = model.parameters().Where(parameter => parameter.requires_grad).Sum(parameter => parameter.numel());
        long frozen = c.LoraRank is null ? 0 : c.Model.ParameterCount;
        return row with
        {
            ChunkLoss = LogitChunks.Of(
                targets.numel(), c.Model.VocabularySize,
                LogitChunks.Elements(device, model.Compute, c.Model.VocabularySize)).First().Length,
            TokensPerS = Math.Round(targets.numel() / mean, 1),
            SamplesPerS = Math.Round(c.BatchSize / mean, 3),
            PeakGib = Gibibytes(device.type == DeviceType.CPU ? HostMemory.Peak : Held(memory, device)),
            BaseGib = Gibibytes(atStart),
            FixedGib = Gibibytes(
                frozen * (c.BasePrecision == Precision.Float32 ? sizeof(float) : sizeof(short)) +
                sizeof(float) * (3 * trained + optimizer.GradientElements)),
            TrainedParameters = trained,
            Libtorch = NativeTorch.LibtorchVersion,
            StepS = Math.Round(Median(seconds), 6),
            Loss = Math.Round(loss!.ToDouble() / targets.numel(), 4),
        };
    }

    private static LanguageNetwork Build(BenchConfiguration c, Device device)
    {
        Precision? frozen = c.LoraRank is null ? null : c.BasePrecision;
        LanguageNetwork network = c.Model.Build(c.Scheme, c.BackwardMode, c.Arithmetic, c.Precision, device, seed: 1, frozen);
        if (c.LoraRank is not { } rank) return network;
        using LanguageNetwork below = network;
        return below.WithAdapter(new LoraSettings(rank, Alpha: 2 * rank, RankStabilized: false, Targets: "all-linear"), seed: 1);
    }

    private static Tensor Step(LanguageNetwork model, FlatAdamW optimizer, Tensor ids, Tensor targets, long seed)
    {
        using var scope = NewDisposeScope();
        bool inside = optimizer.Placement == OptimizerPlacement.InsideBackward;
        optimizer.ZeroGradients();
        Tensor loss = LanguageModelLoss.Differentiate(
            model, ids, targets, new StepContext(1.0 / targets.numel(), seed, inside ? StepLayer : null));
        if (inside)
        {
            optimizer.StepGroup(optimizer.OuterGroup, LearningRate);
            optimizer.CompleteStep();
        }
        else optimizer.Step(LearningRate);
        return loss.MoveToOuterDisposeScope();

        void StepLayer(int layer)
        {
            optimizer.StepGroup(layer, LearningRate);
            optimizer.PassGradientOn(layer);
        }
    }

    /// <exception cref="InvalidOperationException">There is no such device.</exception>
    public static Device Resolve(string name, MLContext ml)
    {
        using Runtime.IChannel channel = ((Runtime.IHostEnvironment)ml).Register("bench").Start("device");
        return Devices.Resolve(name, ml, channel);
    }

    /// <summary>Returns the memory in use on the device.</summary>
    private static long? Held(MemoryMeter memory, Device device)
    {
        (long? onDevice, long onHost) = memory.Read();
        return device.type == DeviceType.CPU ? onHost : onDevice;
    }

    private static void Synchronize(Device device)
    {
        if (device.type == DeviceType.CUDA) cuda.synchronize(device);
    }

    private static double? Gibibytes(long? bytes) => bytes is { } known ? Math.Round(known / (double)(1 << 30), 3) : null;

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
