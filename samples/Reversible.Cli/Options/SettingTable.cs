using System.CommandLine;
using System.Linq.Expressions;
using System.Reflection;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>
/// Options of the command line that set properties of one object, a line each: name, type and default come from the property.
/// </summary>
internal sealed class SettingTable<TTarget> where TTarget : new()
{
    private static readonly TTarget _defaults = new();

    private readonly List<(string Title, List<Option> Options)> _groups = [];
    private readonly List<(string Property, Option Option, Action<ParseResult, TTarget> Apply)> _settings = [];

    /// <summary>The options under their titles.</summary>
    public IReadOnlyList<OptionGroup> Groups => [.. _groups.Select(group => new OptionGroup(group.Title, group.Options))];

    /// <summary>The properties that an option sets.</summary>
    public IReadOnlyList<string> Properties => [.. _settings.Select(setting => setting.Property)];

    /// <summary>Begins a group of the help.</summary>
    public SettingTable<TTarget> Group(string title)
    {
        _groups.Add((title, []));
        return this;
    }

    /// <summary>Adds an option.</summary>
    /// <param name="property">The property that it sets, and whose spelling in kebab case is its name.</param>
    /// <param name="description">What it does, its unit and its range, as a sentence or two.</param>
    /// <param name="placeholder">What stands for its value in the help; null takes what fits the type.</param>
    /// <param name="byDefault">What a default of null comes to, in words.</param>
    /// <param name="alias">Another name.</param>
    /// <param name="alone">The value of the option given without one; null where it needs one.</param>
    public SettingTable<TTarget> Add<T>(
        Expression<Func<TTarget, T>> property, string description, string? placeholder = null, string? byDefault = null,
        string? alias = null, object? alone = null)
    {
        var info = (PropertyInfo)((MemberExpression)property.Body).Member;
        byDefault ??= OptionValue.Show(info.GetValue(_defaults));
        ArgumentArity arity = typeof(T) == typeof(IReadOnlyList<string>) ? ArgumentArity.OneOrMore
            : alone is null && typeof(T) != typeof(bool) ? ArgumentArity.ExactlyOne
            : ArgumentArity.ZeroOrOne;
        var option = new Option<T?>(Kebab.Option(info.Name), alias is null ? [] : [alias])
        {
            Description = byDefault is null ? description : $"{description} Default: {byDefault}.",
            HelpName = placeholder ?? OptionValue.Placeholder(typeof(T)),
            Arity = arity,
            CustomParser = result => result.Tokens.Count == 0 && alone is T value ? value : OptionValue.Parse<T>(result),
        };
        _groups[^1].Options.Add(option);
        _settings.Add((info.Name, option, (parsed, target) => info.SetValue(target, parsed.GetValue(option))));
        return this;
    }

    /// <summary>An object with what was typed set, and the rest at its defaults.</summary>
    public TTarget Read(ParseResult parsed)
    {
        var target = new TTarget();
        foreach ((_, Option option, Action<ParseResult, TTarget> apply) in _settings)
            if (WasTyped(parsed, option)) apply(parsed, target);
        return target;
    }

    /// <summary>Whether the option that sets a property was typed.</summary>
    public bool WasTyped(ParseResult parsed, string property) =>
        WasTyped(parsed, _settings.Single(setting => setting.Property == property).Option);

    private static bool WasTyped(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };
}
