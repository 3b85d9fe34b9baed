using System.Globalization;
using System.Reflection;
using System.Text.Json.Serialization;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// Marks an option that may change between the parts of a run, or that the task's own entries of the fingerprint describe. All other
/// options are in the fingerprint.
/// </summary>
/// <param name="reason">Why, for whoever reads the option.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NotInFingerprintAttribute(string reason) : Attribute
{
    /// <summary>Why.</summary>
    public string Reason => reason;
}

/// <summary>What decides a run's curve beside the options.</summary>
/// <param name="Name">Its name in messages.</param>
/// <param name="Value">Its value as text; null where the run has none.</param>
/// <param name="OnlyIfBoth">Whether it is compared only where both parts of the run have a value.</param>
internal readonly record struct FingerprintEntry(string Name, string? Value, bool OnlyIfBoth = false);

/// <summary>
/// All that decides a run's curve, as text. A run that is resumed must agree in all of it, or it would not be the same run.
/// </summary>
/// <param name="Seed">The seed of the weights and of the order of the data.</param>
/// <param name="Source">The hash of the training data; null before it has been read.</param>
/// <param name="Settings">The options and the task's entries, by name.</param>
internal sealed record Fingerprint(int Seed, string? Source, IReadOnlyDictionary<string, string> Settings)
{
    private const string NotSet = "not set";

    /// <summary>Names that are compared only where both have them.</summary>
    [JsonIgnore]
    private IReadOnlySet<string> OnlyIfBoth { get; init; } = new HashSet<string>();

    /// <summary>The options' defaults: what an earlier part had of an option that did not exist then.</summary>
    [JsonIgnore]
    private IReadOnlyDictionary<string, string> Defaults { get; init; } = new Dictionary<string, string>();

    /// <summary>The option that names weights to start from, for the message; null where there is none.</summary>
    [JsonIgnore]
    private string? StartOption { get; init; }

    /// <summary>The fingerprint of options alone.</summary>
    /// <param name="options">The options, checked.</param>
    /// <param name="seed">The seed.</param>
    /// <exception cref="NotSupportedException">An option that is not marked has no text form.</exception>
    public static Fingerprint Of(TrainingOptions options, int seed) => new(seed, Source: null, SettingsOf(options))
    {
        Defaults = SettingsOf((TrainingOptions)Activator.CreateInstance(options.GetType())!),
        StartOption = options.StartOption,
    };

    /// <summary>
    /// The fingerprint with more entries. Known ones stay: a model's scheme has the factors that were drawn for it, and that asked for has
    /// not.
    /// </summary>
    public Fingerprint With(IEnumerable<FingerprintEntry> entries, string? source = null)
    {
        var settings = new SortedDictionary<string, string>(Settings.ToDictionary(), StringComparer.Ordinal);
        HashSet<string> onlyIfBoth = [.. OnlyIfBoth];
        foreach (FingerprintEntry entry in entries)
        {
            if (entry.Value is not null) settings.TryAdd(entry.Name, entry.Value);
            if (entry.OnlyIfBoth) onlyIfBoth.Add(entry.Name);
        }
        return this with { Source = source ?? Source, Settings = settings, OnlyIfBoth = onlyIfBoth };
    }

    /// <summary>Compares this fingerprint, of a checkpoint, with that of the run asked for.</summary>
    /// <exception cref="InvalidOperationException">The run asked for is another one; the message lists what differs.</exception>
    public void Require(Fingerprint asked, string checkpoint)
    {
        List<string> differences = [];
        if (asked.Seed != Seed) differences.Add($"Seed was {Seed} and is now {asked.Seed}");
        if (asked.Source is not null && asked.Source != Source) differences.Add("the training data has changed");
        foreach (string name in asked.Source is null ? asked.Settings.Keys : Settings.Keys.Union(asked.Settings.Keys))
        {
            string? was = Settings.GetValueOrDefault(name), now = asked.Settings.GetValueOrDefault(name);
            if (asked.OnlyIfBoth.Contains(name) && (was is null || now is null)) continue;
            string absent = asked.Defaults.GetValueOrDefault(name, NotSet);
            if ((was ?? absent) != (now ?? absent)) differences.Add($"{name} was {was ?? absent} and is now {now ?? absent}");
        }
        if (differences.Count == 0) return;
        string weightsAlone = asked.StartOption is { } option
            ? $"; to train on from the weights alone, name the checkpoint as {option}"
            : "";
        throw new InvalidOperationException(
            $"The checkpoint '{checkpoint}' is of another run: {string.Join("; ", differences)}. " +
            $"Ask for the same run, or give this one a CheckpointFolder of its own{weightsAlone}.");
    }

    /// <summary>A value as a fingerprint has it.</summary>
    public static string Text(object? value) => value switch
    {
        null => NotSet,
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static SortedDictionary<string, string> SettingsOf(TrainingOptions options)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (PropertyInfo property in options.GetType().GetProperties())
        {
            if (property.GetCustomAttribute<NotInFingerprintAttribute>() is not null) continue;
            if (!HasText(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType))
                throw new NotSupportedException(
                    $"The option {property.Name} has no text for the fingerprint of a run. Mark it [NotInFingerprint], and where it " +
                    "decides the curve let the task add an entry for it.");
            // An option whose value depends on others where it is null has a property of the value that takes effect.
            PropertyInfo read = property.DeclaringType!.GetProperty(
                $"Effective{property.Name}", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly) ?? property;
            settings[property.Name] = Text(read.GetValue(options));
        }
        return settings;
    }

    private static bool HasText(Type type) => type.IsEnum || type.IsPrimitive || type == typeof(string) || type == typeof(Scheme);
}
