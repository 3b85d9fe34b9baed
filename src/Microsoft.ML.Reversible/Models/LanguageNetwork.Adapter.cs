using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Microsoft.ML.Reversible;

/// <summary>LoRA adapters.</summary>
public abstract partial class LanguageNetwork
{
    /// <summary>What PEFT puts before the names of the model's modules.</summary>
    internal const string AdapterPrefix = "base_model.model.";

    private Parameter[] _made = [];

    /// <summary>The number type of the network's own weights if they are never trained; with an adapter, that of the base's.</summary>
    private Precision? _frozen;

    /// <summary>The settings of the network's adapter; null if it has none.</summary>
    internal LoraSettings? Adapter { get; private set; }

    /// <summary>Whether the network is another one with an adapter.</summary>
    internal bool HasAdapter => Adapter is not null;

    /// <summary>The name of the token embedding in files.</summary>
    internal string EmbeddingName => _parts.Tokens.Name;

    /// <summary>The names of the matrices that may have adapters: those of the blocks.</summary>
    internal IEnumerable<string> AdaptableNames => AdaptableParts().Select(part => part.Module);

    /// <summary>
    /// Makes a network with an adapter that shares this network's parameters, frozen. The adapter's parameters are float32, in a buffer of
    /// their own. Both networks can be used at once, from several threads, and either may be disposed of first.
    /// </summary>
    /// <param name="settings">The adapter.</param>
    /// <param name="seed">Seeds the adapter; null leaves it zero, for an adapter that is about to be read from a file.</param>
    /// <param name="scheme">
    /// The recurrence over the layers; null takes this network's. Another one needs a residual network, whose weights suit every scheme.
    /// </param>
    /// <param name="backwardMode">
    /// How the backward pass gets the activations; null takes this network's, or the default of another scheme or arithmetic.
    /// </param>
    /// <param name="arithmetic">The numbers of the hidden states; null takes this network's, or another scheme's default.</param>
    /// <param name="precision">The number type in which the blocks compute; null takes this network's.</param>
    /// <param name="check">Called with the new network before it has memory.</param>
    /// <returns>The network; the caller disposes of it.</returns>
    /// <exception cref="ArgumentException">The targets match no matrix, or the scheme does not fit mode or arithmetic.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number of the settings is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The network has an adapter already, or cannot be run by the scheme.</exception>
    internal LanguageNetwork WithAdapter(
        LoraSettings settings, int? seed, Scheme? scheme = null, BackwardMode? backwardMode = null, Arithmetic? arithmetic = null,
        Precision? precision = null, Action<LanguageNetwork>? check = null)
    {
        RequireNoAdapter();
        settings.Check();
        (Scheme chosen, Arithmetic numbers, BackwardMode mode) = Choose(scheme, arithmetic, backwardMode);
        bool trainsHead = settings.TrainHead, trainsEmbedding = settings.TrainEmbedding, unties = false;
        if (Configuration.TiedHead && (trainsHead || trainsEmbedding))
        {
            unties = settings.UntiesHead;
            if (!unties) trainsHead = trainsEmbedding = true;
        }
        using var modes = AutogradModes.Default();
        using var make = new ParameterFactory(Device, seed) { Shared = Share(trainsEmbedding, trainsHead, unties) };
        LanguageModelConfiguration shape = unties ? Configuration with { TiedHead = false } : Configuration;
        LanguageNetwork network = shape.Declare(precision?.ToScalarType() ?? Compute, make);
        try
        {
            network.Attach(settings, make);
            (network.Adapter, network._frozen) = (settings, _frozen);
            check?.Invoke(network);
            foreach (var (own, shared) in (network._parts.Rotary ?? []).Zip(_parts.Rotary ?? [])) own.Share(shared);
            network.Allocate(make, chosen.Bind(Configuration.LayerCount, seed ?? 0), mode, numbers);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <exception cref="InvalidOperationException">The network has an adapter.</exception>
    internal void RequireNoAdapter()
    {
        if (HasAdapter)
            throw new InvalidOperationException(
                "The model has an adapter already. Merge it first with MergeAdapter, or start from the model that it was added to.");
    }

    /// <summary>
    /// Makes a network without an adapter whose matrices are W + s B A, computed in float32 and rounded once to the number type of W.
    /// </summary>
    /// <returns>The network, with parameters of its own; the caller disposes of it.</returns>
    internal LanguageNetwork Merge()
    {
        LanguageNetwork network = Configuration.Build(
            Stack.Scheme, Stack.BackwardMode, Stack.Arithmetic,
            Compute == ScalarType.BFloat16 ? Precision.BFloat16 : Precision.Float32, Device, seed: null, _frozen);
        using var noGraph = no_grad();
        foreach ((NamedWeight from, NamedWeight to) in Weights().Zip(network.Weights()))
        {
            using var scope = NewDisposeScope();
            to.View().copy_(from.Merged());
        }
        return network;
    }

    /// <summary>Returns the adapter's parameters, and the trained copies of embedding and head, under PEFT's names.</summary>
    internal IEnumerable<NamedWeight> AdapterWeights()
    {
        int layer = 0;
        foreach (TransformerBlock block in Blocks)
        {
            string at = $"{AdapterPrefix}{_parts.LayerPrefix}{layer++}.";
            foreach (NamedWeight weight in block.modules().OfType<Linear>().SelectMany(linear => linear.AdapterWeights()))
                yield return weight with { Name = at + weight.Name };
        }
        foreach (NamedWeight copy in TrainedCopies()) yield return copy;
    }

    /// <summary>Returns the copies of embedding and head that an adapter trains; a tied one under both names, as PEFT writes it.</summary>
    internal IEnumerable<NamedWeight> TrainedCopies()
    {
        NamedWeight tokens = _parts.Tokens.Weights().Single();
        if (tokens.Parameter.requires_grad) yield return tokens with { Name = AdapterPrefix + tokens.Name };
        if (HeadWeight.requires_grad)
            yield return tokens with { Name = $"{AdapterPrefix}{HeadName}.weight", Parameter = HeadWeight };
    }

    /// <summary>Returns a scheme as one of trained weights; null if there is none or it is the network's own, with factors drawn.</summary>
    internal Scheme? OtherThanOwn(Scheme? scheme) =>
        scheme?.ForTrainedWeights() is { } other && other.Bind(Configuration.LayerCount, 0) != Stack.Scheme ? other : null;

    /// <exception cref="InvalidOperationException">The network is not residual, so that another scheme cannot run it.</exception>
    internal void RequireResidual(Scheme asked)
    {
        if (Stack.Scheme is not Residual)
            throw new InvalidOperationException(
                $"The model's scheme is '{Stack.Scheme}', and only a residual model can be run by another one; '{asked}' was asked for.");
    }

    private (Scheme Scheme, Arithmetic Arithmetic, BackwardMode Mode) Choose(
        Scheme? scheme, Arithmetic? arithmetic, BackwardMode? backwardMode)
    {
        Scheme own = Stack.Scheme, chosen = own;
        if (OtherThanOwn(scheme) is { } other)
        {
            RequireResidual(other);
            chosen = other;
        }
        Arithmetic numbers = arithmetic ?? (chosen == own ? Stack.Arithmetic : chosen.DefaultArithmetic);
        bool same = chosen == own && numbers == Stack.Arithmetic;
        BackwardMode mode = backwardMode ?? (same ? Stack.BackwardMode : chosen.DefaultBackwardMode(numbers));
        LayerStack.Check(chosen, mode, numbers);
        return (chosen, numbers, mode);
    }

    /// <summary>Returns the parameters that a network with an adapter takes over, in the order in which it makes its own.</summary>
    private SharedParameter[] Share(bool trainsEmbedding, bool trainsHead, bool unties)
    {
        // The head, if it is not tied, is made last.
        IEnumerable<Parameter> all = unties ? _made.Append(_parts.Tokens.Weight) : _made;
        return [.. all.Select((parameter, i) => new SharedParameter(parameter, Copied: i switch
        {
            _ when i == _made.Length => trainsHead,
            _ when ReferenceEquals(parameter, _parts.Tokens.Weight) => trainsEmbedding,
            _ => ReferenceEquals(parameter, HeadWeight) && trainsHead,
        }))];
    }

    private void Attach(LoraSettings settings, ParameterFactory make)
    {
        LoraTargets targets = LoraTargets.Parse(settings.Targets);
        LoraTargets? excluded = settings.Excluded.Length > 0 ? LoraTargets.Parse(settings.Excluded) : null;
        string[] unmatched = settings.PassesOverUnmatched
            ? []
            : [.. targets.Items.Where(item => !AdaptableNames.Any(module => LoraTargets.Matches(item, module)))];
        if (unmatched.Length > 0) throw NothingMatches(settings, string.Join(", ", unmatched));
        bool any = false;
        foreach (var group in AdaptableParts().GroupBy(part => part.Linear))
        {
            AdaptedPart[] parts =
            [
                .. group.Where(part => targets.Match(part.Module) && excluded?.Match(part.Module) is not true)
                    .Select(part => new AdaptedPart(part.Part, settings.RankOf(part.Module), settings.ScaleOf(part.Module))),
            ];
            if (parts.Length == 0) continue;
            any = true;
            group.Key.Attach(new LowRankAdapter(make, group.Key, parts));
        }
        if (!any) throw NothingMatches(settings, settings.Targets);
    }

    private ArgumentException NothingMatches(LoraSettings settings, string targets)
    {
        // Only files of adapters may have names that match nothing.
        string owner = settings.PassesOverUnmatched ? "target_modules" : nameof(LoraTargets);
        IEnumerable<string> names = Blocks[0].modules().OfType<Linear>().SelectMany(linear => linear.Parts).Select(part => part.Name);
        return new(
            $"{owner} has '{targets}', which matches no matrix of the model's blocks. The matrices of a block are " +
            $"{ModelFamilyRow.Join(names)}, in whole names after '{_parts.LayerPrefix}' and the layer's number.", owner);
    }

    /// <summary>Returns the matrices of the blocks, by the names that they have in files.</summary>
    private IEnumerable<(Linear Linear, LinearPart Part, string Module)> AdaptableParts() =>
        Blocks.SelectMany((block, layer) => block.modules().OfType<Linear>().SelectMany(
            linear => linear.Parts.Select(part => (linear, part, $"{_parts.LayerPrefix}{layer}.{part.Name}"))));
}
