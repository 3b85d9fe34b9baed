using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Runtime;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Options of a regression on vectors.</summary>
internal sealed class RegressionOptions : TrainingOptions
{
    /// <summary>Number of examples, held-out ones included.</summary>
    public int ExampleCount { get; set; } = 200;

    /// <summary>The deviation of the noise on the targets.</summary>
    public double Noise { get; set; }

    /// <summary>Called before each pass, to cancel it.</summary>
    [NotInFingerprint("it only listens")]
    public Action? PassBegins { get; set; }
}

/// <summary>
/// The regression of a number on a vector with a small reversible stack: a training task without text. It is trained in this process, or
/// in one of its own that is killed.
/// </summary>
internal sealed class RegressionTask : ITrainingTask, IDisposable
{
    private const int Width = 6, Layers = 3;
    private const string FileName = "regression.safetensors";

    private readonly RegressionOptions _options;
    private readonly int _seed;
    private readonly Network _network;
    private readonly LayerStack _stack;

    private RegressionTask(RegressionOptions options, int seed)
    {
        (_options, _seed) = (options, seed);
        _network = new Network(seed);
        _stack = new LayerStack(Scheme.Midpoint, _network.Blocks, BackwardMode.Reversible, Arithmetic.Float);
    }

    public static System.CommandLine.Command Command()
    {
        var folder = new Argument<string>("folder");
        var command = new System.CommandLine.Command(
            "resumable-regression", "Fits a small regression with a checkpoint after every step; goes on where it stood.")
        {
            folder,
        };
        command.SetAction(p => Train(Options(p.GetRequiredValue(folder), step => Console.WriteLine(step))));
        return command;
    }

    /// <summary>The options of a run with checkpoints.</summary>
    /// <param name="folder">Where its checkpoints and metrics are; null for none.</param>
    /// <param name="reported">Called for each step, before its checkpoint is written.</param>
    public static RegressionOptions Options(string? folder, Action<int>? reported = null)
    {
        var options = new RegressionOptions
        {
            BatchSize = 8,
            GradientAccumulationSteps = 2,
            MaxSteps = 60,
            WarmupSteps = 5,
            LearningRate = 2e-2,
            FinalLearningRate = 1e-3,
            WeightDecay = 0,
            EvaluationInterval = 10,
            ReportInterval = 1,
            Seed = 1,
            Progress = new Listener(reported),
        };
        if (folder is null) return options;
        (options.CheckpointInterval, options.CheckpointFolder) = (1, Path.Combine(folder, "checkpoints"));
        options.MetricsPath = Path.Combine(folder, "metrics.jsonl");
        options.TensorBoardFolder = Path.Combine(folder, "board");
        return options;
    }

    /// <summary>Trains, as a trainer's Fit does.</summary>
    /// <returns>The metrics, and the bytes of all weights.</returns>
    public static (TrainingMetrics Metrics, byte[] Weights) Train(RegressionOptions options)
    {
        options.Check(asksForGpu: false);
        var ml = new MLContext(seed: 1);
        IHost host = ((IHostEnvironment)ml).Register("Regression");
        using IChannel channel = host.Start("Training");
        using var run = new TrainingRun(options, ml, host, channel, []);
        using var task = new RegressionTask(options, run.Seed);
        if (run.Checkpoint is { } checkpoint) task.ReadWeights(checkpoint);
        TrainingMetrics metrics = run.Train(task);
        return (metrics, task.Weights());
    }

    /// <summary>The bytes of all weights of a checkpoint.</summary>
    public static byte[] WeightsOf(string checkpoint)
    {
        using var task = new RegressionTask(new RegressionOptions(), seed: 1);
        task.ReadWeights(checkpoint);
        return task.Weights();
    }

    /// <summary>Starts the run repeatedly, and kills it a random time after one of its steps.</summary>
    /// <returns>Number of killed processes; fewer than asked for if the run ended before.</returns>
    public static int KillAgainAndAgain(string folder, int kills, Random random)
    {
        for (int killed = 0; killed < kills; killed++)
        {
            using Process child = ChildProcess.Start("resumable-regression", folder);
            for (int steps = random.Next(1, 12); steps > 0; steps--)
                if (child.StandardOutput.ReadLine() is null) return killed;
            Thread.Sleep(random.Next(5));
            child.Kill();
            child.WaitForExit();
        }
        return kills;
    }

    public string Unit => "examples";

    public string Description => string.Create(CultureInfo.InvariantCulture, $"a regression on {_options.ExampleCount} examples");

    public Device Device => CPU;

    public IReadOnlyList<Parameter[]> ParameterGroups => [.. FlatParameters.Groups(_network, _stack)];

    public string Source => $"made from the seed {_seed}";

    public long ExamplesPerEpoch => TrainingCount;

    public IEnumerable<FingerprintEntry> Fingerprint => [new("Layers", Layers.ToString(CultureInfo.InvariantCulture))];

    private int TrainingCount => _options.ExampleCount - (int)(_options.ExampleCount * _options.ValidationFraction);

    public MicroBatch Read(long first, int count)
    {
        // 7 divides no number of examples that tests train on: all come in turn.
        int[] examples = [.. Enumerable.Range(0, count).Select(i => (int)((first + i) * 7 % TrainingCount))];
        return new(count, step => Differentiate(examples, step));
    }

    public HeldOutResult? Evaluate(int batchSize, int maxBatches, CancellationToken cancellationToken)
    {
        int[] heldOut = [.. Enumerable.Range(TrainingCount, _options.ExampleCount - TrainingCount)];
        if (heldOut.Length == 0) return null;
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        double sum = 0;
        int units = 0;
        foreach (int[] batch in heldOut.Chunk(batchSize).Take(maxBatches))
        {
            cancellationToken.ThrowIfCancellationRequested();
            (Tensor inputs, Tensor targets) = Examples(batch);
            sum += _network.Loss(_stack.Evaluate(inputs), targets).ToDouble();
            units += batch.Length;
        }
        return new(sum / units, sum / units, units, new Dictionary<string, double> { ["rmse"] = Math.Sqrt(2 * sum / units) });
    }

    public void WriteModel(string folder) => SafeTensorsWriter.Write(
        Path.Combine(folder, FileName),
        [.. _network.named_parameters().Select(weight => TensorStorage.Source(weight.name, weight.parameter))]);

    public void ReadWeights(string folder)
    {
        using var noGraph = no_grad();
        using SafeTensorsFile file = SafeTensorsFile.Open(Path.Combine(folder, FileName));
        foreach ((string name, Parameter parameter) in _network.named_parameters())
        {
            using Tensor stored = TensorStorage.Read(file, name);
            parameter.copy_(stored);
        }
    }

    public void Dispose() => _network.Dispose();

    private byte[] Weights() => [.. _network.parameters().SelectMany(parameter => parameter.bytes.ToArray())];

    private Tensor Differentiate(int[] examples, StepContext step)
    {
        _options.PassBegins?.Invoke();
        if (step.LayerDone is null) step.CancellationToken.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        using var withGraph = enable_grad();
        (Tensor inputs, Tensor targets) = Examples(examples);
        using StackPass pass = _stack.Forward(inputs, step.Seed);
        Tensor output = pass.Output.detach().requires_grad_();
        Tensor loss = _network.Loss(output, targets);
        (loss * step.Scale).backward();
        pass.Backward(output.grad!, step.LayerDone is null ? null : LayerDone);
        return loss.detach().to(ScalarType.Float64).MoveToOuterDisposeScope();

        void LayerDone(int layer)
        {
            step.LayerDone(layer);
            step.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Inputs of shape [examples, 1, width] and targets of shape [examples], in the current dispose scope.</summary>
    private (Tensor Inputs, Tensor Targets) Examples(int[] examples)
    {
        var inputs = new float[examples.Length * Width];
        var targets = new float[examples.Length];
        for (int row = 0; row < examples.Length; row++)
        {
            var random = new Random(_seed * 1_000_003 + examples[row]);
            for (int i = 0; i < Width; i++) inputs[row * Width + i] = (float)(2 * random.NextDouble() - 1);
            double noise = _options.Noise * (2 * random.NextDouble() - 1);
            targets[row] = (float)(inputs[row * Width] - 2 * inputs[row * Width + 1] + Math.Tanh(inputs[row * Width + 2]) + noise);
        }
        return (tensor(inputs, [examples.Length, 1, Width]), tensor(targets));
    }

    private sealed class Network : nn.Module
    {
        private readonly ModuleList<Block> _blocks;
        private readonly Parameter _head;

        public Network(int seed) : base("Regression")
        {
            using var random = new Generator((ulong)seed);
            _blocks = [.. Enumerable.Range(0, Layers).Select(_ => new Block(random))];
            _head = new Parameter(randn([Width], generator: random) * 0.3);
            RegisterComponents();
        }

        public IReadOnlyList<nn.Module<Tensor, Tensor>> Blocks => [.. _blocks];

        /// <summary>Half the squared error, summed over the examples.</summary>
        public Tensor Loss(Tensor hidden, Tensor targets) => (hidden.squeeze(1).mv(_head) - targets).square().sum() * 0.5;
    }

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter _weight;
        private readonly Parameter _bias;

        public Block(Generator random) : base("Block")
        {
            _weight = new Parameter(randn([Width, Width], generator: random) * 0.3);
            _bias = new Parameter(zeros(Width));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            return (input.matmul(_weight) + _bias).tanh().MoveToOuterDisposeScope();
        }
    }

    private sealed class Listener(Action<int>? reported) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => reported?.Invoke(value.Step);
    }
}
