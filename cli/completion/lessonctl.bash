# Completion of lessonctl in bash. lessonctl itself says how the line may go on, quoted as the line is.
_lessonctl() {
    local kind word text
    COMPREPLY=()
    while IFS=$'\t' read -r kind word text; do
        case $kind in
        files) compopt -o default ;;
        part) compopt -o nospace ;;
        esac
        [ "$kind" = files ] || COMPREPLY+=("$word")
    done < <(printf '%s' "${COMP_LINE:0:COMP_POINT}" | "$1" complete --line "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -F _lessonctl lessonctl
